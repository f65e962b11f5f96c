"""The page of a run, of a scoring job or of one recording: one HTML file without scripts that opens from a disk.

    ROOT/runs/<run id> + its artifacts         -> material.RunMaterial --------+
    a scoring directory + its model's sidecars -> material.ScoringMaterial ----+
    of it one recording, with its signal       -> recording.RecordingMaterial -+
                                                                               v
    first_screen, and a function for each section (outcome, results, ...) -> blocks of content -> pages -> index.html
                                  pictures: drawing                                              page.html.j2

A section and its pictures are in one file; `pages` lists the sections of each page in order.
"""

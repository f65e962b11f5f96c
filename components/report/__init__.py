"""The page of a run or of a scoring job: one HTML file without scripts that opens from a disk.

    ROOT/runs/<run id> + its artifacts        -> material.RunMaterial     --+
    a scoring directory + its model's sidecars -> material.ScoringMaterial -+
                                                                            v
    first_screen, and a function for each section (outcome, results, ...) -> blocks of content -> pages -> index.html
                                  pictures: drawing                                              page.html.j2

A section and its pictures are in one file; `pages` lists the sections of both pages in order.
"""

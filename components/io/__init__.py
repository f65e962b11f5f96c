"""The base layer: files on disks and object stores, locks, and the file formats of beats.

storage -> local_storage | object_stores -> buckets    list, read, publish whole, remove: local, s3://, gs://
lock, submitter                                        one job in a directory; workers that stop with their submitter
scratch                                                folders deleted with their process, or after it
serving, artifact_files                                versions of the model; JSON and arrays of TFX artifacts
text -> csv, tfrecord -> examples, parquet             bytes of a file -> blocks of beats, and rejects with a reason
signatures, csv_form -> sources -> shards              what each file is; the files of a job -> runs of counted rows
"""

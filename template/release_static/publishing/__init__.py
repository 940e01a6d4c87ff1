"""The path of a staged file to the manifest. Suggested reading order:

destination  the protocol that a directory and a bucket implement, and its data types
locks        shared locks for publishing, exclusive locks for pruning; sigterm releases them on SIGTERM
publish      upload what is missing, delete nothing, and write the manifest last
directory    a destination on disk, with listing, writer and sync; the one in a bucket is in s3/
checksums    the size and MD5 of each file of a release
predecessor  the manifest that Django's own storage wrote before
marker       small files that record who did what, and when
names        what can be read from the name of a published file
"""

"""From a finder to the manifest: the path of a file through one `collectstatic`, in the order of reading.

stage        Django collects and hashes into a private directory, with the storage class that stage_options finds
bundles      files that a bundler has hashed
references   what the stage could not resolve, explained
search       the same references, found faster
originals    the references in CSS and JavaScript that no stage can rewrite
destination  what is published where: the values, and the protocol that a directory and a bucket implement
locks        publishers share a lock, a prune has one to itself; sigterm releases it when a process is told to end
publish      upload what is missing, delete nothing, and write the manifest last
directory    the destination on disk; the one in a bucket is in s3/. What it takes from the system is in listing, writer
             and sync
checksums    what each hashed file of a release is
predecessor  the manifest of Django's own that was there before
marker       small files that say who did what, and when
names        what the name of a published file tells
"""

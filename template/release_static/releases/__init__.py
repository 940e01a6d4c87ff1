"""Maintenance of published releases: `manage.py releases`.

inventory   reads the releases that exist at a destination
retention   decides which releases expire and which files to delete, without reading or writing any
prune       deletes expired releases and their files
adoption    turns the files published before the project used releases into a release
pins        keeps a release from expiring
verify      checks the files of a release against its checksums, and repairs them
changes     compares two releases
report      formats all of this as text, or as values for JSON
"""

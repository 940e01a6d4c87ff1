"""What is done with published releases once a month, or in an emergency: `manage.py releases`.

inventory   which releases exist at a destination
retention   which of them expire, and which files go with them; nothing is read or written there
prune       deletes those
adoption    makes a release of what was published before there were any
pins        keep a release from expiring
verify      whether the files of a release are as they were published; repairs them
changes     the difference between two releases
report      all of that as text, and as values for JSON
"""

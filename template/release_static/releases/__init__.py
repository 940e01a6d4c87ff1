"""What one does with published releases once a month, or in an emergency: `manage.py releases`.

inventory   which releases exist at a destination
retention   which of them expire, and which files go with them; nothing is read or written there
prune       deletes those
verify      whether the files of a release are as they were published
report      all of that as text, and as JSON
"""

"""The id of this release, which must be the same where its files are published and where they are served."""

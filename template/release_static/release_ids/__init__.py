"""The id of this release, which must be the same where its files are published and where they are served.

    resolve.py      ReleaseId, and where it is looked up. The first source that is set wins:
                    1. the storage's option `release_id`
                    2. the environment variable RELEASE_ID
                    3. a REVISION file in the project directory
                    4. the strategy: a function that returns the id
    git.py          the strategy that uses the commit
    platforms.py    the strategies that use a hosting platform's variables
    pipeline.py     the strategies of projects that use only 2. or 3.
    project.py      the project directory

Settings name a strategy by its path in `release_static.release_id_strategies`.
"""

"""The stage: files are collected and hashed before anything is published. Suggested reading order:

stage        collect and hash files in a private directory, with Django's storage or another one
options      create the stage that the settings describe
bundles      files that a bundler has hashed
references   explain references that the stage could not resolve
originals    references in CSS and JavaScript that the stage cannot rewrite
search       find references faster
"""

def test_smoke(project):
    print(project.manage("collectstatic", "--noinput").stdout)
    project.manage("test")

"""Hosts come from the administrator's table alone, and logins never lie in it."""

import json

import pytest

from medlab.dicomweb import Server, find_server, read_table, servers
from medlab.errors import MedlabError

GOOD = {"url": "https://pacs.example:8443/dicom-web/"}


def test_without_a_table_there_is_no_server():
    assert servers() == {}

    with pytest.raises(MedlabError) as raised:
        find_server("pacs")

    assert str(raised.value) == (
        "The server must be one that the administrator allows, got another name. None is "
        "set up: an administrator lists them in the file that MEDLAB_DICOMWEB names."
    )


def test_the_table_is_a_json_file(tmp_path, monkeypatch):
    file = tmp_path / "servers.json"
    file.write_text(json.dumps({"pacs": {**GOOD, "title": "The archive"}}))
    monkeypatch.setenv("MEDLAB_DICOMWEB", str(file))

    assert servers() == {"pacs": Server("pacs", GOOD["url"], "The archive")}
    assert find_server("pacs").origin == ("https", "pacs.example", 8443)


@pytest.mark.parametrize("content", ["", "[1]", "{", "[" * 100_000, '{"a": "b"}'])
def test_a_damaged_table_is_one_sentence(tmp_path, monkeypatch, content):
    file = tmp_path / "servers.json"
    file.write_text(content)
    monkeypatch.setenv("MEDLAB_DICOMWEB", str(file))

    with pytest.raises(MedlabError, match="Ask who administers this place") as raised:
        servers()

    assert raised.value.code == "server-settings"
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"url": "ftp://pacs.example/"}, "must look like https://host/dicom-web"),
        ({"url": "https:///dicom-web"}, "must look like https://host/dicom-web"),
        ({"url": "https://pacs.example/?a=b"}, "must look like https://host/dicom-web"),
        (
            {"url": "https://pacs.example:port/"},
            "must look like https://host/dicom-web",
        ),
        ({"url": "file:///etc/passwd"}, "must look like https://host/dicom-web"),
        ({"url": "https://user:word@pacs.example/"}, "must hold no login"),
        ({"url": "http://pacs.example/"}, "must be https"),
        ({"url": 5}, "must be an object with a url"),
        ({**GOOD, "password": "word"}, "another, or of another type"),
        ({**GOOD, "name": "other"}, "another, or of another type"),
        ({**GOOD, "can_send": "no"}, "another, or of another type"),
        ({**GOOD, "user": "me"}, "must name a password_env or a password_file"),
    ],
)
def test_an_entry_that_is_wrong_is_refused_with_what_is_wrong(entry, said):
    with pytest.raises(MedlabError, match=said) as raised:
        read_table({"pacs": entry})

    assert "word@" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", "x" * 33, "-a", "ä"])
def test_a_name_is_a_short_word(name):
    with pytest.raises(MedlabError, match="1 to 32 letters"):
        read_table({name: GOOD})


def test_plain_http_is_for_this_machine_or_said_outright():
    for url in (
        "http://127.0.0.1:8042/dicom-web",
        "http://localhost/",
        "http://[::1]/",
    ):
        assert read_table({"pacs": {"url": url}})["pacs"].origin[0] == "http"
    outright = {"url": "http://pacs.example/", "plain_http": True}
    assert read_table({"pacs": outright})["pacs"].origin == ("http", "pacs.example", 80)
    with pytest.raises(MedlabError, match="must be https"):
        read_table({"pacs": {**outright, "plain_http": False}})


def test_a_login_is_read_from_where_the_entry_says(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("PACS_WORD", "from the environment")
    table = read_table(
        {
            "a": {**GOOD, "user": "me", "password_env": "PACS_WORD"},
            "b": {**GOOD, "user": "me", "password_file": str(tmp_path / "secret")},
            "c": {**GOOD, "token_env": "PACS_WORD"},
            "d": GOOD,
        }
    )

    assert table["a"].password() == "from the environment"
    assert table["b"].password() == "from the file"
    assert table["c"].token() == "from the environment"
    assert (table["d"].password(), table["d"].token()) == ("", "")


def test_a_missing_login_is_told_without_where_it_should_be(tmp_path):
    lost = {**GOOD, "user": "me", "password_file": str(tmp_path / "lost")}

    with pytest.raises(MedlabError, match="got nothing there") as raised:
        read_table({"pacs": lost})["pacs"].password()

    assert str(tmp_path) not in str(raised.value)


def test_a_screen_is_told_neither_address_nor_login():
    server = read_table({"pacs": {**GOOD, "user": "me", "password_env": "WORD"}})[
        "pacs"
    ]

    shown = json.dumps(server.to_json()) + repr(server)

    assert server.to_json() == {"name": "pacs", "title": "pacs", "can_send": True}
    assert "example" not in shown
    assert "'me'" not in shown

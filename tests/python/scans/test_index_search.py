"""Asking the index: every answer is what a plain filter over all rows would give."""

import random
from dataclasses import replace

import pytest

from medlab.errors import MedlabError
from medlab.scans import (
    Entry,
    Home,
    Query,
    ScanSource,
    list_scans,
    scan_groups,
    search_scans,
    store,
)
from medlab.scans._summary import ScanSummary
from medlab.scans.index._query import SORTS
from medlab.scans.index._walk import Unit


def make_rows():
    rng = random.Random(1)
    rows = []
    for number in range(60):
        person = number // 6
        source = ScanSource(f"p{person}/s{number:02d}", f"1.2.{number}")
        rows.append(
            ScanSummary(
                id=source.scan_id,
                path=source.path,
                series=source.series,
                name=source.name,
                format="dicom",
                modality=rng.choice(("CT", "MR")),
                slices=rng.randrange(1, 300),
                size_bytes=rng.randrange(1 << 20),
                patient=f"{rng.choice(('Müller', 'O_Brien', 'Straße 100%'))}^{person}",
                patient_id=f"ID{person}",
                study=rng.choice(("Chest study", "Head")),
                description=rng.choice(("thin", "T2w FLAIR", "")),
                date=f"2024-0{rng.randrange(1, 9)}-1{person % 10}",
                body_part=rng.choice(("CHEST", "HEAD")),
                error="It is damaged." if number % 10 == 3 else None,
                warnings=["Doubtful."] if number % 7 == 1 else [],
            )
        )
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    home = Home(root, root / ".medlab")
    home.folder.mkdir()
    (home.folder / "salt").write_bytes(bytes(16))
    entries = []
    for row in make_rows():
        fields = {**row.to_json(), "study_uid": f"9.{row.path.partition('/')[0]}"}
        unit = Unit(f"{row.path}/", "dicom", "stamp", ("IM0",))
        entries.append(Entry(row.path, unit, [fields]))
    store(home, entries)
    for row in make_rows()[::4]:
        (home.labels / row.id / "lesion").mkdir(parents=True)
        (home.labels / row.id / "lesion" / "layer.json").write_text("{}")
    return home


def ids(page):
    return [scan.id for scan in page.scans]


def test_a_page_without_words_is_everything_by_path(home):
    page = search_scans(home)

    assert ids(page) == [row.id for row in make_rows()]
    assert (page.total, page.all) == (60, 60)
    assert page.revision > 0


@pytest.mark.parametrize(
    "words",
    ["müll", "MÜLLER ct", "strasse", "100%", "o_b", "id3", "chest", "2024-03", "flair mr",
     "p4/s2", "dicom", "head thin", "xyzzy", "'", '" OR 1 --', "%", "_"],
)  # fmt: skip
def test_every_word_must_be_found_somewhere(home, words):
    def matches(row):
        text = "\n".join(
            (row.path, row.name, row.patient, row.patient_id, row.modality, row.date,
             row.study, row.description, row.body_part, row.format)
        ).casefold()  # fmt: skip
        return all(word in text for word in words.casefold().split())

    page = search_scans(home, Query(words, limit=1000))

    assert ids(page) == [row.id for row in make_rows() if matches(row)]
    assert page.total == len(page.scans)


@pytest.mark.parametrize("words", ["labelled", "label", "LAB"])
def test_the_state_of_labels_is_a_word(home, words):
    expected = [row.id for row in make_rows()[::4]]

    assert ids(search_scans(home, Query(words))) == expected
    assert ids(search_scans(home, Query(labels=True))) == expected
    assert all(scan.labels and scan.layers == ["lesion"] for scan in
               search_scans(home, Query(words)).scans)  # fmt: skip


def test_unlabelled_is_the_rest(home):
    rest = [row.id for n, row in enumerate(make_rows()) if n % 4]

    assert ids(search_scans(home, Query("unlabelled"))) == rest
    assert ids(search_scans(home, Query("unl", labels=False))) == rest


def test_filters_join_with_words(home):
    rows = make_rows()

    def found(**more):
        return ids(search_scans(home, Query(limit=1000, **more)))

    assert found(problems="errors") == [r.id for r in rows if r.error]
    assert found(problems="warnings") == [
        r.id for r in rows if r.warnings and not r.error
    ]
    assert found(modality="CT", words="head") == [
        r.id for r in rows
        if r.modality == "CT" and "head" in f"{r.study}{r.body_part}".casefold()
    ]  # fmt: skip


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_in_every_order_hold_every_scan_once(home, sort, descending):
    query = Query(sort=sort, descending=descending, limit=25)
    pages = [search_scans(home, replace(query, offset=at)) for at in (0, 25, 50)]

    scans = [scan for page in pages for scan in page.scans]

    assert sorted(scan.id for scan in scans) == sorted(row.id for row in make_rows())
    if sort in ("date", "slices", "size_bytes", "modality", "path"):
        values = [getattr(scan, sort) for scan in scans]
        assert values == sorted(values, reverse=descending)


def test_groups_of_patients_hold_all_their_scans(home):
    groups = scan_groups(home)

    assert sum(group.scans for group in groups) == 60
    for group in groups:
        members = search_scans(home, Query(patient=group.key)).scans
        assert len(members) == group.scans
        assert {scan.patient for scan in members} == {group.label}
        assert {scan.patient_id for scan in members} == {group.detail}
        assert group.date == max(scan.date for scan in members)
        assert group.modalities == sorted({scan.modality for scan in members})


def test_groups_of_studies_follow_the_study_and_the_words(home):
    groups = scan_groups(home, Query("ct"), by="study")

    # A study has one number: six series, one patient each.
    assert len(groups) == 10
    assert sum(group.scans for group in groups) == search_scans(home, Query("ct")).total


def test_keys_name_nobody(home):
    for group in scan_groups(home):
        assert len(group.key) == 12
        assert int(group.key, 16) >= 0


def test_the_revision_grows_with_every_change(home):
    before = search_scans(home, Query(limit=0)).revision

    store(home, [Entry("p0/s00", Unit("p0/s00/", "dicom", "other", ("IM0",)))])

    page = search_scans(home, Query(limit=0))
    assert page.revision == before + 1
    assert (page.total, page.scans) == (59, [])
    row = make_rows()[0]
    unit = Unit("p0/s00/", "dicom", "stamp", ("IM0",))
    store(home, [Entry("p0/s00", unit, [{**row.to_json(), "study_uid": "9.p0"}])])


def test_impossible_questions_are_refused_with_advice(home):
    with pytest.raises(MedlabError, match=r"sorted by one of path, .* got 'id; DROP'"):
        search_scans(home, Query(sort="id; DROP"))
    with pytest.raises(MedlabError, match="at most 10000 scans, got 20000 from 0"):
        search_scans(home, Query(limit=20_000))
    with pytest.raises(MedlabError, match='must be "errors" or "warnings"'):
        search_scans(home, Query(problems="all"))
    with pytest.raises(MedlabError, match='by "patient" or "study", got'):
        scan_groups(home, by="ward")


def test_an_index_that_is_not_there_yet_is_empty(tmp_path):
    page = search_scans(Home(tmp_path, tmp_path / ".medlab"))

    assert (page.scans, page.total, page.all) == ([], 0, 0)
    assert list_scans(home=Home(tmp_path, tmp_path / ".medlab")) == []

"""Asking the index: every answer is what a plain filter over all rows would give."""

import os
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from medlab.scans.index._find import note_error
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


ALPHABET = "aAäÄßİıéΣς漢😀-_.%/'\"0123 \n\x1e"


def words_of(row):
    fields = (row.path, row.name, row.patient, row.patient_id, row.modality, row.date,
              row.study, row.description, row.body_part, row.format)  # fmt: skip
    return "\n".join(fields).casefold()


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """Rows whose text is anything but plain, and the index of them."""
    root, rng = tmp_path_factory.mktemp("strange"), random.Random(3)
    home, rows = Home(root, root / ".medlab"), []
    for number in range(120):
        source = ScanSource(f"f{number % 7}/{number}", f"1.{number}")
        text = ["".join(rng.choices(ALPHABET, k=rng.randrange(6))) for _ in range(4)]
        rows.append(
            ScanSummary(
                *(source.scan_id, source.path, source.series, source.name, "dicom"),
                patient=text[0],
                study=text[1],
                description=text[2],
                body_part=text[3],
                slices=rng.randrange(4),
            )
        )
    put(home, rows)
    return home, rows


def put(home, rows):
    entries = []
    for row in rows:
        unit = Unit(f"{row.path}/", "dicom", "s", ("IM",))
        entries.append(Entry(row.path, unit, [{**row.to_json(), "study_uid": ""}]))
    store(home, entries)


@settings(max_examples=2000 if os.environ.get("MEDLAB_LONG") else 200, deadline=None)
@given(
    words=st.lists(st.text(ALPHABET, max_size=3), max_size=3).map(" ".join),
    sort=st.sampled_from(["path", "slices"]),
    descending=st.booleans(),
    offset=st.integers(0, 40),
)
def test_any_words_find_what_a_plain_filter_finds(
    strange, words, sort, descending, offset
):
    home, rows = strange
    wanted = [
        row
        for row in sorted(rows, key=lambda row: (row.path, row.series))
        if all(word in words_of(row) for word in words.casefold().split())
    ]
    key = {"path": lambda row: (row.path, row.series), "slices": lambda row: row.slices}
    wanted.sort(key=key[sort], reverse=descending)

    page = search_scans(home, Query(words, sort, descending, offset, 30))

    assert ids(page) == [row.id for row in wanted[offset : offset + 30]]
    assert (page.total, page.all) == (len(wanted), len(rows))


def test_a_list_that_was_asked_before_follows_every_change(tmp_path):
    """What was kept in memory is what a new process would read."""
    rng, root = random.Random(4), tmp_path / "root"
    root.mkdir()
    home, there, every = Home(root, root / ".medlab"), {}, make_rows()
    for step in range(60):
        row = rng.choice(every)
        if row.path in there and rng.random() < 0.5:
            store(home, [Entry(row.path, Unit(f"{row.path}/", "dicom", "s", ("IM",)))])
            del there[row.path]
        else:
            told = replace(row, patient=f"Step^{step}", slices=step)
            put(home, [told])
            there[row.path] = told
        query = Query(rng.choice(("", "step", "ct")), rng.choice(("path", "slices")))

        page = search_scans(home, query)

        wanted = [r for r in there.values() if query.words in words_of(r)]
        wanted.sort(key=lambda r: r.path)
        wanted.sort(key=lambda r: r.slices if query.sort == "slices" else 0)
        assert ids(page) == [r.id for r in wanted]
        assert page.all == len(there)


def test_an_index_made_anew_in_the_place_of_another_is_asked_anew(tmp_path):
    home = Home(tmp_path, tmp_path / ".medlab")
    put(home, make_rows()[:5])
    assert search_scans(home, Query("dicom")).total == 5
    for part in home.folder.glob("index.sqlite*"):
        part.unlink()

    put(home, make_rows()[10:13])

    assert ids(search_scans(home, Query("dicom"))) == [r.id for r in make_rows()[10:13]]


def test_an_error_that_is_found_later_is_among_the_errors(tmp_path):
    home = Home(tmp_path, tmp_path / ".medlab")
    row = make_rows()[0]
    put(home, [row])
    assert search_scans(home, Query(problems="errors")).total == 0

    note_error(row.source, home, "Its voxels cannot be decoded.")

    assert ids(search_scans(home, Query(problems="errors"))) == [row.id]

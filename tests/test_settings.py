"""The settings file: what is wrong is reported with its line and what to write; a broken instance takes away only itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from magodoo.errors import BadSettings
from magodoo.settings import Settings, read_settings
from magodoo.settings.__main__ import main
from magodoo.settings.model import Instance
from magodoo.settings.read import read_with_problems
from magodoo.settings.schema import text

CHECKOUT = Path(__file__).resolve().parents[1]
SOUND = """\
instances:
  us:
    magento_connection: shop
    odoo_connection: books
"""


def written(folder: Path, content: str) -> Path:
    file = folder / "magodoo.yaml"
    file.write_text(content, encoding="utf-8")
    return file


def problems(folder: Path, content: str) -> list[str]:
    return [str(problem) for problem in read_with_problems(written(folder, content)).problems]


def test_the_example_validates_and_names_every_section() -> None:
    settings = read_settings(CHECKOUT / "magodoo.example.yaml")
    instance = settings.instances["us"]
    assert not instance.mode.any_apply
    unnamed = set(Instance.model_fields) - instance.model_fields_set
    assert unnamed <= {
        "customers_missing", "products_missing", "quality", "magento_overlap_seconds", "odoo_overlap_seconds",
        "settle_seconds", "lease_seconds", "refund_return_days", "refresh_days",
    }  # fmt: skip


def test_the_schema_in_the_documentation_is_the_schema_of_the_code() -> None:
    written_down = (CHECKOUT / "docs" / "settings.schema.json").read_text(encoding="utf-8")
    assert written_down == text(), "run: make reference"


def test_the_schema_shows_an_editor_what_a_setting_means() -> None:
    schema = json.loads(text())
    instance = schema["$defs"]["Instance"]
    assert "local dates" in instance["properties"]["time_zone"]["description"]
    assert "id" not in instance["properties"]
    assert instance["additionalProperties"] is False


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("    time_zone: Europe/Berlyn", "unknown time zone 'Europe/Berlyn'", "Europe/Berlin"),
        ("    shedule: '@hourly'", "this setting does not exist", "did you mean schedule?"),
        ("    api_key: abc", "this setting does not exist", "secrets never stand in this file"),
        ("    schedule: every hour", "no cron expression", "five fields"),
        ("    mode: {default: write}", "'observe' or 'apply'", ""),
        ("    mode: {kinds: {odoo_invoices: apply}}", "'odoo_invoice'", ""),
        ("    taxes: [{rate: abc, odoo_tax: x}]", "'abc' is no number", "with a decimal point"),
        ("    taxes: [{rate: '8,25', odoo_tax: x}]", "'8,25' is no number", "write 8.25 with a point"),
        ("    taxes: [{rate: 19 %, odoo_tax: x}]", "'19 %' is no number", "write 19 alone"),
        ("    taxes: [{rate: 0, country: FR, odoo_tax: ...}]", "is still open", "write your choice"),
        ("    stores: [eu]", "'eu' is no store id", "use the store id"),
        ("    stores: 1", "1 is no list", "in brackets: [1]"),
        ("    stores: [1.5]", "1.5 is no store id", "use the store id"),
        ("    time_zone:", "is empty", "remove the line"),
        ("    limits: 5", "5 is no block of settings", "two blanks further in"),
        ("    notify_customers: maybe", "neither true nor false", "write true or false"),
        ("    books_from: 31.01.2026", "is no date and time", "write 2026-01-31 00:00"),
        ("    books_from: 13/02/2026", "is no date and time", "write 2026-02-13 00:00"),
        ("    books_from: 01/02/2026 08:00", "is no date and time", "year, month, day"),
        ("    title: [a]", "is no text", "without brackets"),
        ("    payment_methods: {card: {jurnal: CARD}}", "this setting does not exist", "did you mean journal?"),
        ("    taxes: [{rate: 1, odoo_tax: 2}]", "2 is no text", "in quotes"),
        ("    taxes: [{rate: 0, odoo_tax: x, region: TX}]", "are of a country", "add `country`"),
        ("    taxes: [{rate: 0, odoo_tax: x, country: GB, postcodes: ['']}]", "an empty one fits nothing", ""),
        ("    taxes: [{rate: 0, odoo_tax: x, country: GB, postcodes: [35]}]", "35 is no text", "in quotes"),
        ("    taxes: [{rate: 0, odoo_tax: x, vat_checked: true, has_vat: false}]", "fits nothing", ""),
        ("    taxes: [{rate: 0, odoo_tax: x, consignment_above: 9, consignment_up_to: 9}]", "no value is above 9", ""),
        ("    taxes: [{rate: 0, odoo_tax: x, valid_from: soon}]", "date", ""),
        ("    taxes: [{rate: any, odoo_tax: x, country: US, region: TX}]", "belong together", "write both"),
        ("    taxes: [{rate: 8, amount: as charged, odoo_tax: x, country: US, region: TX}]", "belong together", ""),
        ("    taxes: [{rate: any, amount: as charged, odoo_tax: x, country: US}]", "one liability per region", ""),
        ("    source_countries: {default: Germany}", "'Germany' is no country code", "two capital letters"),
        ("    books_from: soon", "'soon' is no date and time", "write 2026-01-31 00:00"),
        ("    books_from: 2026-02-30", "is no date and time", "write 2026-01-31 00:00"),
        ("    books_from: 20260101", "no day of a shop", ""),
        ("    schedule: 0 0 30 2 *", "never comes", ""),
        ("    settle_seconds: -1", "is too small", "write 0 or more"),
        ("    settle_seconds: 90000", "is too large", "write 86400 or less"),
        ("    lease_seconds: 0", "is too small", "write 1 or more"),
        ("    odoo_overlap_seconds: -600", "is too small", "write 0 or more"),
        ("    refresh_days: 400000", "is too large", "write 36500 or less"),
        ("    quality: {late_minutes: -5}", "is too small", "write 1 or more"),
        ("    quality: {volume_share: 50}", "is too large", "write 1 or less"),
        ("    limits: {refund_amount: -1}", "is too small", "write 0 or more"),
        ("    invoices: {issue_within_days: -3}", "is too small", "write 0 or more"),
        ("    tolerance: {EUR: -0.02}", "no tolerance", ""),
        ("    odoo_connection: other", "stands twice, first in line 4", "keep one"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_what_to_write(
    tmp_path: Path, line: str, message: str, hint: str
) -> None:
    (told,) = problems(tmp_path, SOUND + line + "\n")
    assert told.startswith("line 5, instances.us.")
    assert message in told
    assert hint in told


def test_a_missing_setting_is_reported_with_the_line_of_its_instance(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, "instances:\n\n  us:\n    magento_connection: shop\n")
    assert told == "line 3, instances.us.odoo_connection: this setting is missing; add odoo_connection"


def test_an_instance_id_that_does_not_fit_into_a_reference_is_refused(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, SOUND.replace("us:", "US-East:"))
    assert told.startswith("line 2, instances.US-East")
    assert "never be changed" in told


def test_a_broken_instance_takes_away_only_itself(tmp_path: Path) -> None:
    content = SOUND + "  de:\n    magento_connection: shop\n    odoo_connection: [books]\n  at: nothing\n"
    reading = read_with_problems(written(tmp_path, content))
    assert list(reading.settings.instances) == ["us"]
    assert [problem.instance for problem in reading.problems] == ["de", "at"]


def test_a_problem_outside_the_instances_does_not_disable_them(tmp_path: Path) -> None:
    reading = read_with_problems(written(tmp_path, SOUND + "smtp: {sendr: x}\n"))
    assert list(reading.settings.instances) == ["us"]
    assert str(reading.problems[0]) == "line 5, smtp.sendr: this setting does not exist; did you mean sender?"


@pytest.mark.parametrize("line", ["payload_days: -1", "personal_days: 9999999", "orders_per_task: 0"])
def test_an_absurd_time_of_the_whole_file_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    (told,) = problems(tmp_path, f"{SOUND}{line}\n")
    assert told.startswith(f"line 5, {line.split(':')[0]}: ")


def test_every_time_of_the_settings_has_a_least_and_a_greatest_value() -> None:
    schema = json.loads(text())
    unbounded = [
        name
        for part in (schema, *schema["$defs"].values())
        for name, found in part.get("properties", {}).items()
        if name.rsplit("_", 1)[-1] in ("seconds", "minutes", "hours", "days")
        if not any({"minimum", "maximum"} <= each.keys() for each in (found, *found.get("anyOf", ())))
    ]
    assert unbounded == []


def test_of_a_duplicate_key_the_second_is_read_and_named(tmp_path: Path) -> None:
    twice, wrong = problems(tmp_path, SOUND + "smtp: {sender: a}\nsmtp: {sendr: b}\n")
    assert twice == "line 6, smtp: stands twice, first in line 5; keep one"
    assert wrong.startswith("line 6, smtp.sendr: ")


def test_a_file_in_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "magodoo.yaml"
    file.write_bytes(f"{SOUND}    title: Café\n".encode("latin-1"))
    with pytest.raises(BadSettings, match="line 5"):
        read_settings(file)


def test_reading_the_whole_file_names_every_problem(tmp_path: Path) -> None:
    file = written(tmp_path, SOUND + "    a: 1\n    b: 2\n")
    with pytest.raises(BadSettings, match=r"line 5, instances.us.a.*\n.*line 6, instances.us.b"):
        read_settings(file)


@pytest.mark.parametrize("content", ["", "instances: []\n", "instances: {us: {\n", "- a\n"])
def test_a_file_without_instances_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadSettings):
        read_with_problems(written(tmp_path, content))


def test_a_file_that_is_not_there_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="MAGODOO_SETTINGS"):
        read_with_problems(tmp_path / "absent.yaml")


def test_off_and_no_are_read_as_text(tmp_path: Path) -> None:
    content = SOUND + "    invoices: {to_magento: off}\n    taxes: [{rate: 25, country: NO, odoo_tax: x}]\n"
    instance = read_settings(written(tmp_path, content)).instances["us"]
    assert instance.invoices.to_magento == "off"
    assert instance.taxes[0].country == "NO"


def test_the_cut_over_is_local_time_also_across_the_change_of_clocks() -> None:
    def utc(moment: str) -> datetime | None:
        return Instance(
            id="de", magento_connection="m", odoo_connection="o", time_zone="Europe/Berlin",
            books_from=datetime.fromisoformat(moment),
        ).books_from_utc  # fmt: skip

    assert utc("2026-03-29 01:59") == datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    assert utc("2026-03-29 03:00") == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert utc("2026-07-01 00:00") == datetime(2026, 6, 30, 22, 0, tzinfo=UTC)


def test_an_instance_observes_unless_its_settings_say_apply() -> None:
    instance = Settings.model_validate(
        {"instances": {"us": {"id": "us", "magento_connection": "m", "odoo_connection": "o"}}}
    ).instances["us"]
    assert not instance.mode.any_apply
    assert instance.books_from_utc is None


def test_make_settings_says_what_is_sound_and_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, SOUND + "  de:\n    magento_connection: shop\n")
    monkeypatch.setattr("sys.argv", ["settings", str(file)])
    assert main() == 1
    told = capsys.readouterr()
    assert "us is sound: observes, without books_from, shop with books" in told.out
    assert "line 5, instances.de.odoo_connection: this setting is missing" in told.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{SOUND}   title: x\n", "line 5: another indentation"),
        (f"{SOUND}\ttitle: x\n", "line 5: a tab"),
        (f"{SOUND}    title: a: b\n", "line 5: a colon where none may be"),
        (f"{SOUND}    title: 'a\n", "line 5: a quote that is not closed"),
        (f"{SOUND}    stores: [1, 2\n", "line 5: a bracket that is not closed"),
        (f"{SOUND}    title\n", "line 5: a name without a colon"),
        (f"{SOUND}    title: @x\n", "line 5: a character that a text may not begin with"),
        (f"{SOUND}    title: *x\n", "line 5: a text that begins with"),
    ],
)
def test_a_file_that_is_no_yaml_is_refused_in_the_words_of_its_writer(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(BadSettings) as refused:
        read_with_problems(written(tmp_path, content))
    assert said in str(refused.value)
    for raw in ("expected <", "while ", "token", "scanner", "mark", 'in "', "tag:yaml"):
        assert raw not in str(refused.value).replace(str(tmp_path), "")


def test_no_message_is_the_validator_s_own(tmp_path: Path) -> None:
    """Every setting is given a text, a list, a mapping, a number and nothing: what is said is ours."""
    for value in ("x", "[1]", "{a: 1}", "-0.5", "soon"):
        lines = "".join(
            f"    {name}: {value}\n"
            for name in Instance.model_fields
            if name not in ("id", "magento_connection", "odoo_connection")
        )
        for told in problems(tmp_path, SOUND + lines):
            for raw in (
                "Input should",
                "valid ",
                "pydantic",
                "Extra inputs",
                "match pattern",
                "value is not",
                "Decimal",
                "NoneType",
            ):
                assert raw not in told, told


def test_a_block_whose_lines_are_all_comments_says_nothing(tmp_path: Path) -> None:
    content = SOUND + "    taxes:\n      # none yet\n    payment_methods:\n    limits:\n    odoo:\n      carriers:\n"
    instance = read_settings(written(tmp_path, content)).instances["us"]
    assert (instance.taxes, instance.payment_methods, instance.odoo.carriers) == ((), {}, {})
    assert instance.limits.document_amount == 5000


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ("    mode: {default: apply}\n", 5, "`apply` without `books_from`"),
        ("    books_from: 2099-01-01 00:00\n", 5, "the cut-over lies in the future"),
        ("    payment_methods:\n      card: {captured_by_provider: true}\n", 6, "without a journal"),
        ("    recipients: {accounting: [ann@example]}\n", 5, "'ann@example' is no e-mail address"),
        ("    recipients: {it: [ann]}\n", 5, "'ann' is no e-mail address"),
    ],
)
def test_what_is_valid_and_cannot_be_meant_is_no_sound_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lines: str,
    line: int,
    said: str,
) -> None:
    file = written(tmp_path, SOUND + lines)
    assert list(read_with_problems(file).settings.instances) == ["us"], "it takes no DAG away"
    monkeypatch.setattr("sys.argv", ["settings", str(file)])
    assert main() == 1
    told = capsys.readouterr()
    assert "is sound" not in told.out
    assert f"line {line}, instances.us." in told.err and said in told.err


def test_what_is_open_is_counted_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_rule = '    taxes:\n      # - {rate: 0, country: FR, odoo_tax: ...}   # choose one of: "0% EU" | "0% Export"\n'
    monkeypatch.setattr("sys.argv", ["settings", str(written(tmp_path, SOUND + open_rule))])
    assert main() == 0
    told = capsys.readouterr().out
    assert "1 line is open" in told and "line 6: - {rate: 0, country: FR, odoo_tax: ...}" in told
    decided = '    taxes:\n      - {rate: 0, country: FR, odoo_tax: "0% EU"}   # choose one of: "0% EU" | "0% Export"\n'
    monkeypatch.setattr("sys.argv", ["settings", str(written(tmp_path, SOUND + decided))])
    assert main() == 0
    assert "is open" not in capsys.readouterr().out

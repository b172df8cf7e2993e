"""docs/bad_input.md holds every kind of bad input, with what is really told."""

from tests.logs import bad_input_page, test_bad_input


def test_the_page_is_what_is_told_today(tmp_path):
  written = bad_input_page.rows(bad_input_page.PAGE.read_text(encoding="utf-8"))
  assert list(written) == bad_input_page.kinds()
  assert len(written) == len(test_bad_input.CASES) + len(bad_input_page.COMMANDS)
  assert all("`" in message for message in written.values())
  today = bad_input_page.rows(bad_input_page.page(tmp_path))
  changed = {kind: message for kind, message in today.items() if written[kind] != message}
  assert not changed, "run `python -m tests.logs.bad_input_page`"

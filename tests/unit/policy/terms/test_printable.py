"""Text of strangers on a line of ours."""

from domain_secure.policy.terms.printable import printable


def test_what_a_terminal_would_act_upon_is_a_question_mark() -> None:
    """Escapes, line ends and marks of direction; letters of any language stay."""
    assert printable("a\x1b[2J\nb\u202ec \x00") == "a?[2J?b?c ?"
    assert printable("mail.müller.test 取引先") == "mail.müller.test 取引先"

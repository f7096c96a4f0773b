"""A report as one HTML page: no script, nothing from elsewhere, light and dark, fit for printing.

Owns: how its parts come together.  ``report_view`` chooses what is shown, ``report.html`` says what stands
where, ``report.css`` has the looks, ``report_chart`` the charts.
"""

from pathlib import Path

from domain_secure.policy.history.partner_report import Report
from domain_secure.policy.templates.html_template import file_as_markup, rendered

from .report_view import page_of

_FOLDER = Path(__file__).parent


def html_report(report: Report) -> str:
    """Return the page."""
    style = file_as_markup(_FOLDER / "report.css")
    return str(rendered(_FOLDER / "report.html", page=page_of(report), style=style)) + "\n"

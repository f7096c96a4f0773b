"""How a report looks: one style sheet for light, dark and paper."""

STYLE = """
:root {
  --page: #f6f7f9; --card: #fff; --text: #1c2430; --soft: #667085; --rule: #e3e7ee;
  --good: #2f8f6b; --observed: #8a6fc4; --deferred: #d9a036; --refused: #c8453b; --exempt: #9aa4b2;
  --sent: #2b7bb9; --unverified: #8a6fc4; --postponed: #d9a036; --bounced: #8f5b3a; --failed: #c8453b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11151b; --card: #1a2029; --text: #e6eaf0; --soft: #97a3b4; --rule: #2c3542;
    --good: #4fbf93; --observed: #a992e0; --deferred: #e3b45a; --refused: #e5736a; --exempt: #6d7888;
    --sent: #5aa9e0; --unverified: #a992e0; --postponed: #e3b45a; --bounced: #b98562; --failed: #e5736a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 48px; }
.product { margin: 0; color: var(--soft); font-size: 13px; letter-spacing: .04em; text-transform: uppercase; }
h1 { margin: 2px 0 4px; font-size: 28px; line-height: 1.2; font-weight: 650; letter-spacing: -.01em; }
h2 { margin: 0 0 4px; font-size: 20px; font-weight: 650; overflow-wrap: anywhere; }
h3 { margin: 20px 0 2px; font-size: 15px; font-weight: 600; }
h3 small { color: var(--deferred); font-size: 13px; font-weight: 500; }
.period { margin: 0; color: var(--soft); } .period strong { color: var(--text); font-weight: 600; }
.notice { margin: 10px 0 0; padding: 8px 12px; border-left: 3px solid var(--deferred);
  background: var(--card); }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 20px 22px;
  margin-top: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 4px 20px; }
.tile { display: flex; flex-direction: column; padding: 4px 0 10px; }
.label { color: var(--soft); font-size: 13px; }
.value { font-size: 30px; line-height: 1.15; font-weight: 600; letter-spacing: -.02em; }
.t-refused, .t-failed { color: var(--refused); } .t-deferred { color: var(--deferred); }
.directions, .alone .direction { display: grid;
  grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr));
  gap: 8px 36px; }
.direction table { margin-top: 10px; }
figure { margin: 12px 0 0; }
figcaption { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; font-size: 13px; }
figcaption b { font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 12px; color: var(--soft); }
.key { white-space: nowrap; } .key i { display: inline-block; width: 9px; height: 9px; border-radius: 2px;
  margin-right: 5px; }
.chart { display: block; width: 100%; height: auto; margin-top: 4px; }
.tick { fill: var(--soft); font-size: 11px; } .grid { stroke: var(--rule); } .axis { stroke: var(--soft); }
.c-passed { fill: var(--good); } .c-observed { fill: var(--observed); } .c-deferred { fill: var(--deferred); }
.c-refused { fill: var(--refused); } .c-exempt { fill: var(--exempt); } .c-sent { fill: var(--sent); }
.c-unverified { fill: var(--unverified); } .c-postponed { fill: var(--postponed); }
.c-bounced { fill: var(--bounced); } .c-failed { fill: var(--failed); }
.k-passed { background: var(--good); } .k-observed { background: var(--observed); }
.k-deferred { background: var(--deferred); } .k-refused { background: var(--refused); }
.k-exempt { background: var(--exempt); } .k-sent { background: var(--sent); }
.k-unverified { background: var(--unverified); } .k-postponed { background: var(--postponed); }
.k-bounced { background: var(--bounced); } .k-failed { background: var(--failed); }
.latest { list-style: none; margin: 0 0 4px; padding: 0; color: var(--soft); font-size: 13px; }
.latest li { overflow-wrap: anywhere; }
.s-success { color: var(--good); } .s-failure { color: var(--refused); }
table { width: 100%; border-collapse: collapse; font-size: 14px; margin-bottom: 8px; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: 12px; padding: 2px 0; }
td { padding: 4px 0; border-top: 1px solid var(--rule); vertical-align: top; overflow-wrap: anywhere; }
.inner { padding-left: 16px; color: var(--soft); }
.number { text-align: right; white-space: nowrap; }
.share { text-align: right; color: var(--soft); width: 4.6em; white-space: nowrap; }
.certificates td, .certificates th { padding-right: 14px; }
.certificates td:nth-child(n+2) { white-space: nowrap; }
.certificates th:nth-child(n+4) { text-align: right; }
.fine, code { color: var(--soft); font-size: 12px; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; word-break: break-all; }
.badge { float: right; margin-left: 8px; padding: 0 8px; border-radius: 9px; font-size: 12px;
  background: var(--deferred); color: #1c1300; }
.stranger td { opacity: .72; }
footer { color: var(--soft); font-size: 13px; margin-top: 22px; }
@media (max-width: 640px) {
  main { padding: 18px 12px 32px; } section { padding: 16px 14px; } h1 { font-size: 23px; }
  .certificates thead { display: none; }
  .certificates tr { display: grid; grid-template-columns: 1fr 1fr; border-top: 1px solid var(--rule);
    padding: 8px 0; }
  .certificates td { border: 0; padding: 1px 0; } .certificates td:first-child { grid-column: 1 / -1; }
  .certificates td:nth-child(n+2) { font-size: 13px; color: var(--soft); text-align: left; }
  .certificates td:nth-child(2)::before { content: "first "; }
  .certificates td:nth-child(3)::before { content: "last "; }
  .certificates td:nth-child(4)::before { content: "passed "; }
  .certificates td:nth-child(5)::before { content: "failed "; }
}
@media print {
  :root { --page: #fff; --card: #fff; --text: #000; --soft: #555; --rule: #ccc; }
  body { font-size: 11px; } main { max-width: none; padding: 0; }
  section { border: 0; border-top: 1px solid #999; border-radius: 0; padding: 12px 0;
    break-inside: avoid-page; }
  .chart, .key i, .badge { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, figure, .tile { break-inside: avoid; } h2, h3 { break-after: avoid; }
}
"""

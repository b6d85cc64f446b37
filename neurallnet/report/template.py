"""The page's frame and style; `string.Template` fills it in, so that a page needs no template engine."""

from string import Template

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --page: #ffffff; --soft: #f1f3f5; --line: #c9ced3; --good: 31, 119, 180;
  --bad: 213, 94, 0; --warn: #9a3412; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --page: #121212; --soft: #1f2225; --line: #454a50;
  --warn: #fdba74; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.2; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.note { border-left: .3rem solid var(--warn); background: var(--soft); padding: .6rem .8rem; margin: .6rem 0; }
.note strong { color: var(--warn); }
.big { font-size: 2rem; font-weight: 700; line-height: 1.2; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: 50%; }
figure { margin: .6rem 0; } figcaption { padding-bottom: .3rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; overflow-wrap: normal; }
th:first-child, th.text, td.text { text-align: left; }
td.text { overflow-wrap: anywhere; min-width: 9rem; }
td.cell { min-width: 3.2rem; text-align: center; }
svg { display: block; width: 100%; max-width: 30rem; height: auto; }
code, pre { font: .85rem/1.45 ui-monospace, monospace; }
pre { white-space: pre-wrap; background: var(--soft); padding: .6rem; }
summary { cursor: pointer; }
@media print { details > * { display: block; } }
"""

PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>"""
    + _STYLE
    + """</style>
</head>
<body>
<main>
<h1>$title</h1>
<p class="note"><strong>Not a medical device.</strong> Research software; nothing here may guide the care of a patient.</p>
$synthetic
<h2>Test images</h2>
$headline
<h2>Confusion matrix</h2>
$confusion
<h2>Classes</h2>
$classes
$recalls
<h2>Training</h2>
$training
<h2>Calibration</h2>
$calibration
<h2>How far this goes</h2>
$limits
<h2>Files not used</h2>
$rejected
<h2>Settings, hashes, machine</h2>
$provenance
</main>
</body>
</html>
"""
)

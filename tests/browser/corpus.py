"""Texts that try to do something where they are shown: set ``window.struck``, open a dialog, call somebody else."""

from __future__ import annotations

STRIKE = "window.struck=1;alert(1)"
OUT = "http://127.0.0.1:9/struck"
"""Somewhere else: the watch over every window tells of each request to it."""
_MEBIBYTE = 1024 * 1024

SCRIPTS = [
    f"<script>{STRIKE}</script>",
    f"<script src={OUT}></script>",
    f"<ScRiPt\n>{STRIKE}</sCrIpT\t>",
    f"<scr<script>ipt>{STRIKE}</scr</script>ipt>",
    f"</script><script>{STRIKE}</script>",
    f"<img src=x onerror={STRIKE}>",
    f'<img src="{OUT}" loading=eager>',
    f"<svg onload={STRIKE}>",
    f"<svg><script>{STRIKE}</script></svg>",
    f'<svg><animate onbegin="{STRIKE}" attributeName=x dur=1s>',
    f"<body onpageshow={STRIKE}>",
    f"<details open ontoggle={STRIKE}>x</details>",
    f"<input autofocus onfocus={STRIKE}>",
    f'<iframe srcdoc="<script>parent.{STRIKE}</script>"></iframe>',
    f"<iframe src=javascript:parent.{STRIKE}></iframe>",
    f'<object data="data:text/html,<script>{STRIKE}</script>"></object>',
    f"<video><source onerror={STRIKE}></video>",
    f'<math><mtext><table><mglyph><style><img src=x onerror="{STRIKE}">',
    f"<noscript><p title='</noscript><img src=x onerror={STRIKE}>'>",
    f"<template><script>{STRIKE}</script></template>",
    f"<!--><img src=x onerror={STRIKE}>-->",
    f"<![CDATA[><img src=x onerror={STRIKE}>]]>",
]
BREAKOUTS = [
    f'" autofocus onfocus="{STRIKE}" x="',
    f"' autofocus onfocus='{STRIKE}' x='",
    f"` onmouseover={STRIKE} `",
    f'"><script>{STRIKE}</script>',
    f"'><img src=x onerror={STRIKE}>",
    f"</textarea><script>{STRIKE}</script>",
    f"</title><script>{STRIKE}</script>",
    f"</style><script>{STRIKE}</script>",
    f"</td></tr></table><script>{STRIKE}</script>",
    f"</bdi></a><a href=javascript:{STRIKE}>click</a>",
    f"&lt;script&gt;{STRIKE}&lt;/script&gt;",
    f"&#60;script&#62;{STRIKE}&#60;/script&#62;",
    f"\\u003cscript\\u003e{STRIKE}\\u003c/script\\u003e",
    f"+ADw-script+AD4-{STRIKE}+ADw-/script+AD4-",
    f"{{{{ ''.__class__ }}}}{{% raw %}}{{{{7*7}}}} ${{{STRIKE}}}",
]
ADDRESSES = [
    f"javascript:{STRIKE}",
    f"JaVaScRiPt:{STRIKE}",
    f"java\tscript:{STRIKE}",
    f"\x01javascript:{STRIKE}",
    f"data:text/html,<script>{STRIKE}</script>",
    f"vbscript:{STRIKE}",
    f"//127.0.0.1:9/{STRIKE}",
    f"<base href={OUT}/>",
    f'<meta http-equiv=refresh content="0;url={OUT}">',
    f'<link rel=stylesheet href="{OUT}">',
    f'<style>@import "{OUT}"; body {{ background: url({OUT}) }}</style>',
    f"<form action={OUT}><button autofocus>x</button></form>",
    f'<a href="{OUT}" ping="{OUT}">x</a>',
]
TERMINAL = [
    "\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07",
    f"\x1b]8;;{OUT}\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;c3RydWNr\x07",
    "\x1b]0;another title\x07",
    "\x1b[2J\x1b[H\x1b[31;1mred\x1b[0m\x1b[8mhidden\x1b[0m",
    "\x9b31mred\x9d0;title\x9c",
    "\x1bP+q544e\x1b\\",
    "a\x00b\x08c\x7fd",
]
DIRECTION = [
    "\u202egnp.exe\u202c",
    "\u2066\u2067turned\u2069\u2069 \u200fback\u200e",
    "admin\u200b\u2060\ufeff\u00ad",
    "\u2028\u2029lines",
    "Z" + "\u0310\u0311\u0312\u0313\u0314" * 60,
    "\u05d0\u05d1\u05d2 \u0627\u0628\u062a 123",
    "\U000e0001\U000e0041\U000e0042",
    "\ufffd\ufffe\U0010ffff",
]
LENGTH = ["x" * _MEBIBYTE, "<b>" * (_MEBIBYTE // 3), " \n" * 5000 + "end", "\U0001f600" * 5000]

HOSTILE = [*SCRIPTS, *BREAKOUTS, *ADDRESSES, *TERMINAL, *DIRECTION, *LENGTH]

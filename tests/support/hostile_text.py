"""Forty texts that must be shown, sent and searched as text and never act.

They stand as patient name, description and file name in the tests of the server and of the
panel. Each that holds script sets `window.__hostile`, so a browser test sees whether one
ran: it is undefined as long as all of them stayed text.

The ideas are those of OWASP's XSS Filter Evasion Cheat Sheet; the strings are our own.
"""

RUN = "window.__hostile=1"
"""What each script would do."""

INJECTIONS: tuple[str, ...] = (
    # Elements
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<ScRiPt>{RUN}</sCrIpT>",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<script/x>{RUN}</script>",
    f"<script src=data:text/javascript,{RUN}></script>",
    f"<img src=x onerror={RUN}>",
    f"<img/src=`x`onerror={RUN}>",
    f'"><img src=x onerror="{RUN}">',
    f"'><img src=x onerror='{RUN}'>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<svg><foreignObject><body onload={RUN}></foreignObject></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe src=javascript:parent.{RUN}></iframe>",
    f"<object data=javascript:{RUN}></object>",
    f"<embed src=javascript:{RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<details open ontoggle={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<body onload={RUN}>",
    f"<style>@import 'javascript:{RUN}';</style><style onload={RUN}></style>",
    f"<link rel=stylesheet href=x onerror={RUN}>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    "<base href=//evil.example/>",
    # Attributes and addresses
    f'" onmouseover="{RUN}" x="',
    f"' autofocus onfocus='{RUN}",
    f"javascript:{RUN}",
    f"<a href=java&#x09;script:{RUN}>x</a>",
    # What a decoder could make an element of
    f"&lt;img src=x onerror={RUN}&gt;",
    f"%3Cimg src=x onerror={RUN}%3E",
    f"\\u003cimg src=x onerror={RUN}\\u003e",
    f"\N{FULLWIDTH LESS-THAN SIGN}img src=x onerror={RUN}\N{FULLWIDTH GREATER-THAN SIGN}",
    # Templates, Markdown, code cells, direction of writing
    f"${{{RUN}}}{{{{constructor.constructor('{RUN}')()}}}}",
    f"[x](javascript:{RUN})<!--",
    f"');__import__('os').system('true');('{RUN}",
    f"\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe\N{POP DIRECTIONAL FORMATTING}<b onclick={RUN}>",
)


def as_file_name(text: str) -> str:
    """The text as the name of a file: a division slash stands for `/`, which none can hold.

    Example:
        >>> as_file_name("<b></b>")
        '<b><\N{DIVISION SLASH}b>'
    """
    return text.replace("/", "\N{DIVISION SLASH}")


def as_person_name(text: str) -> str:
    """The text as a DICOM person name (VR PN) of one value: a backslash would part two.

    Example:
        >>> as_person_name(chr(92).join("ab"))
        'a|b'
    """
    return text.replace("\\", "|")

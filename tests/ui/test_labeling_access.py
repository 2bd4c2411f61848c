"""The editor can be used without a mouse, without good eyes, and in other languages."""

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

import pytest
from playwright.sync_api import Page

from medlab.scans import open_scan
from tests.support.editors import HOSTS, SCAN, open_editor, set_theme
from tests.support.lab import Lab, open_browser

_IN_EDITOR = "document.activeElement?.closest('.medlab-Editor') != null"

# Every piece of text that is seen, with its contrast to what lies behind it.
_CONTRASTS = """
() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const rgba = color => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) =>
    [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const luminance = rgb => {
    const [r, g, b] = rgb.map(x => {
      const c = x / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const chain = node => {
    const nodes = [];
    for (let at = node; at; at = at.parentElement) nodes.push(at);
    return nodes;
  };
  const ground = node => {
    let color = [255, 255, 255];
    for (const at of chain(node).reverse()) {
      color = over(rgba(getComputedStyle(at).backgroundColor), color);
    }
    return color;
  };
  const opacity = node =>
    chain(node).reduce((all, at) => all * Number(getComputedStyle(at).opacity), 1);
  const isSeen = node =>
    node.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) &&
    node.getBoundingClientRect().width > 1;
  const measured = [];
  const measure = (node, text, pseudo) => {
    const style = getComputedStyle(node, pseudo);
    const below = ground(node);
    const [r, g, b, a] = rgba(style.color);
    const ink = over([r, g, b, a * opacity(node)], below);
    measured.push({
      text: text.trim().slice(0, 40),
      where: node.className?.baseVal ?? node.className,
      contrast: contrast(ink, below)
    });
  };
  for (const root of document.querySelectorAll('.medlab-Editor')) {
    if (!isSeen(root)) continue;
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const { currentNode: text } = texts;
      const node = text.parentElement;
      const isSpoken = node.closest('.medlab-Editor-spoken');
      const isOff = node.closest(':disabled');
      const isOther = node.closest('.medlab-Editor-slot3d, option, svg');
      if (!text.data.trim() || isSpoken || isOff || isOther || !isSeen(node)) continue;
      measure(node, text.data);
    }
    for (const field of root.querySelectorAll('input, select, textarea')) {
      const shows = !['range', 'color', 'checkbox', 'radio'].includes(field.type);
      if (!shows || field.disabled || !isSeen(field)) continue;
      if (field.closest('.medlab-Editor-slot3d')) continue;
      measure(field, field.value || 'field');
      if (field.placeholder && !field.value) {
        measure(field, field.placeholder, '::placeholder');
      }
    }
  }
  return measured;
}
"""

# Another editor in place of the shown one, whose translator marks what went through it.
_TRANSLATED = """
async editor => {
  const old = eval(editor);
  const host = old.node.parentElement;
  const { _options: options } = old;
  old.dispose();
  const fill = (text, args) =>
    text.replace(/%(\\d)/g, (_, n) => String(args[n - 1] ?? ''));
  const trans = (text, ...args) => `⟦${fill(text, args)}⟧`;
  const made = new old.constructor(host, { ...options, trans });
  host.editor = made;
  window.translated = made;
  await made.ready;
}
"""

_TEXTS = """
() => {
  const found = [];
  const root = window.translated.node;
  const note = (what, text, node) =>
    text && found.push([what, text, String(node.className?.baseVal ?? node.className)]);
  for (const node of root.querySelectorAll('*')) {
    if (node.closest('.medlab-Editor-slot3d, kbd')) continue;
    for (const name of ['title', 'aria-label', 'placeholder', 'aria-roledescription',
                        'aria-valuetext', 'aria-description']) {
      note(name, node.getAttribute(name), node);
    }
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) note('text', child.data.trim(), node);
    }
  }
  return found;
}
"""


@pytest.fixture(scope="module", params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def opened(lab: Lab, host: str) -> Iterator[tuple[Page, str]]:
    with open_browser(lab) as page:
        yield page, open_editor(page, lab, host, layer="access")


@pytest.fixture
def editor(opened: tuple[Page, str]) -> str:
    return opened[1]


@pytest.fixture
def page(opened: tuple[Page, str]) -> Page:
    page = opened[0]
    page.mouse.move(2, 2)
    page.locator(".medlab-Plane").first.focus()
    return page


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_tab_leads_through_the_editor_and_out_of_it(page: Page, key: str):
    stops: list[str] = []
    for _ in range(80):
        page.keyboard.press(key)
        if not page.evaluate(f"() => {_IN_EDITOR}"):
            break
        stops.append(
            page.evaluate("() => document.activeElement.outerHTML.slice(0, 160)")
        )
    else:
        pytest.fail(f"80 times {key} do not leave the editor; the last: {stops[-4:]}")
    print(len(stops), "stops")
    assert len(stops) == len(set(stops)) or len(stops) < 60


def test_every_stop_of_the_tab_key_lets_it_go_on(page: Page):
    stuck = page.evaluate(
        """() => {
          const root = document.querySelector('.medlab-Editor');
          const stops = [...root.querySelectorAll('*')].filter(
            node => node.tabIndex >= 0 && node.checkVisibility() && !node.disabled
          );
          const held = [];
          for (const stop of stops) {
            stop.focus();
            const event = new KeyboardEvent('keydown', {
              key: 'Tab', code: 'Tab', bubbles: true, cancelable: true
            });
            stop.dispatchEvent(event);
            if (event.defaultPrevented) held.push(stop.outerHTML.slice(0, 160));
          }
          return { count: stops.length, held };
        }"""
    )
    print(stuck["count"], "stops")
    assert stuck["count"] > 5
    assert stuck["held"] == []


def test_a_toolbar_is_one_stop_and_arrows_go_along_it(page: Page, editor: str):
    tools = page.locator(".medlab-Toolbar [data-tool='brush']")
    tools.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => document.activeElement.dataset.tool") == "eraser"
    page.keyboard.press("Enter")
    assert page.evaluate(f"() => {editor}.settings.values.tool") == "eraser"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    assert page.evaluate(f"() => {editor}.settings.values.tool") == "brush"
    buttons = page.locator(".medlab-Toolbar button")
    stops = page.locator(".medlab-Toolbar button[tabindex='0']")
    assert buttons.count() > 20
    assert stops.count() == 1


def test_a_menu_and_the_list_of_keys_give_the_focus_back(page: Page):
    page.locator(".medlab-Toolbar button", has_text="Effects").press("Enter")
    assert page.locator(".medlab-Popover:visible").count() == 1
    assert page.evaluate("() => document.activeElement.dataset.action").startswith(
        "effect-"
    )
    page.keyboard.press("Escape")
    assert page.locator(".medlab-Popover:visible").count() == 0
    assert "Effects" in page.evaluate("() => document.activeElement.textContent")

    page.locator(".medlab-Plane").nth(0).focus()
    page.keyboard.press("?")
    assert page.locator(".medlab-Keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator(".medlab-Keys").is_visible()
    assert page.evaluate("() => document.activeElement.dataset.plane") == "axial"


def test_a_screen_reader_hears_slice_tool_and_segment(
    page: Page, editor: str, lab: Lab
):
    spoken = page.locator(".medlab-Editor-spoken")
    assert spoken.get_attribute("aria-live") == "polite"
    affine = open_scan(lab.root / SCAN).affine
    index = page.evaluate(f"() => {editor}.crosshair[2]") + 1
    s_mm = float(affine[2, 2] * index + affine[2, 3])
    half_up = Decimal(abs(s_mm)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    place = f"{'S' if s_mm >= 0 else 'I'} {half_up} mm"
    page.keyboard.press("ArrowUp")
    page.wait_for_function(
        "words => document.querySelector('.medlab-Editor-spoken')"
        ".textContent.includes(words)",
        arg=f"Axial slice {index + 1} of 34, {place}",
    )
    page.keyboard.press("l")
    page.wait_for_function(
        "() => document.querySelector('.medlab-Editor-spoken')"
        ".textContent.includes('Lasso')"
    )
    page.keyboard.press("j")
    page.wait_for_function(
        "() => document.querySelector('.medlab-Editor-spoken')"
        ".textContent.includes('locked')"
    )
    page.keyboard.press("Control+z")
    plane = page.locator(".medlab-Plane").first
    assert plane.get_attribute("role") == "application"
    assert plane.get_attribute("aria-label").startswith("Axial slice ")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_all_text_stands_out_from_what_is_behind_it(page: Page, theme: str):
    set_theme(page, theme)
    page.keyboard.press("Shift+T")
    page.wait_for_timeout(500)
    measured = page.evaluate(_CONTRASTS)
    page.keyboard.press("?")
    measured += page.evaluate(_CONTRASTS)
    page.keyboard.press("Escape")
    page.locator(".medlab-Plane").first.focus()
    page.keyboard.press("Escape")
    worst = sorted(measured, key=lambda each: each["contrast"])
    print(theme, len(measured), "texts, lowest", worst[0])
    assert len(measured) > 60
    faint = {
        (each["text"], each["where"], round(each["contrast"], 2))
        for each in measured
        if each["contrast"] < 4.5
    }
    assert faint == set()
    set_theme(page, "Light")


def test_one_change_of_a_key_reaches_the_open_editor(page: Page, editor: str):
    assert page.evaluate(f"() => {editor}.node.isConnected")
    setting = """async keys => {
      const app = window.jupyterapp;
      const tokens = [...app.pluginRegistry._services.keys()];
      const token = tokens.find(({ name }) => name.endsWith(':ISettingRegistry'));
      const registry = await app.resolveRequiredService(token);
      await registry.set('medlab:labeling', 'keys', keys);
    }"""
    page.evaluate(setting, {"eraser": "Alt+E"})
    page.locator(".medlab-Plane").first.focus()
    page.keyboard.press("b")
    page.keyboard.press("e")
    assert page.evaluate(f"() => {editor}.settings.values.tool") == "brush"
    page.keyboard.press("Alt+e")
    assert page.evaluate(f"() => {editor}.settings.values.tool") == "eraser"
    title = page.locator("button[data-tool='eraser']").get_attribute("title")
    assert "Alt+E" in title

    page.evaluate(setting, {"brush": "p"})
    page.wait_for_selector("text=/The key p is given to/")
    page.evaluate(setting, {})


def test_the_palette_acts_on_the_editor_that_had_the_focus(page: Page, editor: str):
    page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:activate-command-palette')"
    )
    page.keyboard.type("medlab labeling polygon")
    page.wait_for_selector(
        ".lm-CommandPalette-item[data-command='medlab:label-polygon']"
    )
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => {editor}.settings.values.tool === 'polygon'")
    page.wait_for_function(f"() => {_IN_EDITOR}")


def test_every_word_went_through_the_translator(page: Page, editor: str):
    page.evaluate(_TRANSLATED, editor)
    page.wait_for_selector(".medlab-Status-save[data-state='saved']")
    page.locator(".medlab-Plane").first.focus()
    texts = page.evaluate(_TEXTS)
    page.keyboard.press("Shift+T")
    page.keyboard.press("?")
    page.wait_for_timeout(500)
    texts += page.evaluate(_TEXTS)
    page.keyboard.press("Escape")
    assert len(texts) > 150
    names = {"left lung", "right lung", "segment 1", "labels", "access"}
    bare = {
        (what, text, where)
        for what, text, where in texts
        if text not in names and _words_outside(text, names)
    }
    assert bare == set()


def _words_outside(text: str, names: set[str]) -> list[str]:
    """Words that did not go through the translator; units and directions need not."""
    for name in names:
        text = text.replace(name, "")
    text = re.sub(r" \([^()]+\)$", "", text)  # a tooltip's key
    depth, left = 0, ""
    for sign in text:
        depth += {"⟦": 1, "⟧": -1}.get(sign, 0)
        left += sign if depth == 0 and sign != "⟧" else " "
    neutral = r"mm[³²]?|mm3|HU|%|[RLAPSIWLCXijk]|Ctrl|Alt|Shift|F\d+"
    words = re.findall(r"[^\W\d_]+[²³]?", left)
    return [word for word in words if not re.fullmatch(neutral, word)]


def test_without_an_editor_the_commands_are_off(lab: Lab, page: Page):
    lab.open(page)
    assert not page.evaluate(
        "() => window.jupyterapp.commands.isEnabled('medlab:label-brush')"
    )

"""Test that the desk's scripts escape what they put into HTML.

This is not a parser of JavaScript: it follows template strings, calls, choices, names and imports. What it
cannot follow is an error. A name that ends in `html` says that its value is HTML. The tag `html` escapes the
values of its template.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.lint

APP = Path(__file__).resolve().parents[2]
FILES = sorted(
	path
	for pattern in (
		"public/js/**/*.js",
		"crm_relations/page/*/*.js",
		"crm_relations/report/*/*.js",
		"crm_relations/doctype/*/*.js",
	)  # fmt: skip
	for path in APP.glob(pattern)
)
#: makes markup of texts; its exports are safe by construction, and `tests/js` proves it
LIBRARY = APP / "public" / "js" / "lib" / "html.js"
#: `$(…)`, `.html(…)` and similar calls: their arguments are markup
SINKS = re.compile(
	r"(?:\.(?:html|append|prepend|set_title|set_intro)|\bmsgprint|\bfrappe\.(?:confirm|throw|show_alert)|(?<![\w.])\$)\("
	r"|\.(?:innerHTML|outerHTML)\s*=(?!=)"
)
#: keys of dialogs and messages that Frappe shows as HTML
KEYS = re.compile(r"(?<![\w.?])(?:message|title):\s*")
MARKUP = re.compile(r"<[a-zA-Z/!]")
ESCAPING = frozenset("escape frappe.utils.escape_html".split())
#: their results are numbers, dates, icons and encoded addresses
HARMLESS = frozenset(
	"default_formatter URLSearchParams String.raw format_number format_currency cint Number Math.round encodeURIComponent encodeURI frappe.utils.icon"
	" Math.max frappe.datetime.str_to_user frappe.utils.get_formatted_duration".split()
)
JQUERY = re.compile(r"\$\(")


def end_of(text: str, at: int) -> int:
	"""Return the index behind the string, template, comment or bracket that begins at `at`."""
	sign = text[at]
	if sign in "'\"":
		at += 1
		while text[at] != sign:
			at += 2 if text[at] == "\\" else 1
		return at + 1
	if sign == "`":
		at += 1
		while text[at] != "`":
			if text[at] == "\\":
				at += 2
			elif text.startswith("${", at):
				at = end_of(text, at + 1)
			else:
				at += 1
		return at + 1
	if text.startswith("//", at):
		return text.find("\n", at) if "\n" in text[at:] else len(text)
	if text.startswith("/*", at):
		return text.index("*/", at) + 2
	if sign == "/" and re.search(
		r"(?:^|[(,=:!&|?>])\s*$", text[max(at - 20, 0) : at]
	):  # a regular expression
		at += 1
		inside = False
		while text[at] != "/" or inside:
			inside = text[at] == "[" or (inside and text[at] != "]")
			at += 2 if text[at] == "\\" else 1
		return at + 1
	if sign in "([{":
		at += 1
		while text[at] not in ")]}":
			at = end_of(text, at)
		return at + 1
	return at + 1


def split(text: str, *signs: str) -> list[str]:
	"""Return the parts of an expression between operators outside of brackets and strings."""
	parts, start, at = [], 0, 0
	while at < len(text):
		sign = next((s for s in signs if text.startswith(s, at)), None)
		if (
			sign
			and not (sign == "?" and text[at : at + 2] in ("?.", "??"))
			and not (sign == "+" and text[at : at + 2] in ("++", "+="))
		):
			parts.append(text[start:at])
			at += len(sign)
			start = at
		else:
			at = end_of(text, at)
	return [*parts, text[start:]]


def is_tagged(text: str, at: int) -> bool:
	"""Return whether the template that begins at `at` has the tag that escapes its values."""
	return bool(re.search(r"(?<![\w.])html$", text[max(at - 6, 0) : at]))


def templates(text: str) -> Iterator[tuple[int, str]]:
	"""Return (offset, template) of all template strings of a text, except those with the tag `html`."""
	at = 0
	while at < len(text):
		end = end_of(text, at)
		if text[at] == "`":
			if not is_tagged(text, at):
				yield at, text[at:end]
			for offset, part in parts_of(text[at:end]):
				for inner, template in templates(part):
					yield at + offset + inner, template
		elif text[at] in "([{":
			for inner, template in templates(text[at + 1 : end - 1]):
				yield at + 1 + inner, template
		at = end


def parts_of(template: str) -> Iterator[tuple[int, str]]:
	"""Return (offset, expression) of each `${…}`."""
	at = 1
	while at < len(template) - 1:
		if template[at] == "\\":
			at += 2
		elif template.startswith("${", at):
			end = end_of(template, at + 1)
			yield at + 2, template[at + 2 : end - 1]
			at = end
		else:
			at += 1


def static(template: str) -> str:
	at, kept = 1, []
	while at < len(template) - 1:
		end = end_of(template, at + 1) if template.startswith("${", at) else at + 1
		kept.append("" if end > at + 1 else template[at])
		at = end
	return "".join(kept)


def code_only(text: str) -> str:
	"""Return the text with blanks in place of strings and comments; the content of `${…}` is code."""
	made, at = [], 0
	while at < len(text):
		end = end_of(text, at)
		piece = text[at:end]
		if piece[0] in "([{" and end > at + 1:
			piece = piece[0] + code_only(piece[1:-1]) + piece[-1]
		elif piece[0] == "`":
			inner = list(parts_of(piece))
			kept = [" "] * len(piece)
			for offset, part in inner:
				kept[offset : offset + len(part)] = code_only(part)
			piece = "".join(kept)
		elif end > at + 1:
			piece = re.sub(r"[^\n]", " ", piece)
		made.append(piece)
		at = end
	return "".join(made)


class Script:
	"""One file, and the names it defines."""

	def __init__(self, text: str, path: Path | None = None) -> None:
		self.path = path
		self.text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
		self.code = code_only(self.text)
		self.asked: set[str] = set()
		self.imported = dict(self.imports())

	def imports(self) -> Iterator[tuple[str, tuple[str, Path]]]:
		"""Return each imported name with its name in the other file, and that file."""
		for names, source in re.findall(r"^import \{([^}]*)\} from \"([^\"]+)\"", self.text, re.MULTILINE):
			for name in filter(None, map(str.strip, names.split(","))):
				original, _as, here = name.partition(" as ")
				yield here or original, (original, (self.path.parent / source).resolve())

	@cache  # noqa: B019 - a few files
	def is_name_safe(self, name: str) -> bool:
		"""Return whether every value assigned to this name is safe; a value of another object never is."""
		last = name.rpartition(".")[2]
		if last.lower().endswith("html") or last == "length":
			return True
		if "." in name:
			return False
		if name in self.asked:
			return True  # it calls itself
		if name in self.imported:
			original, path = self.imported[name]
			return path == LIBRARY or script(path).is_name_safe(original)
		self.asked.add(name)
		word = re.escape(name.rpartition(".")[2])
		found = []
		for match in re.finditer(
			rf"\b(?:const|let)\s+{word}\s*=\s*|(?<![\w.=!<>]){word}\s*\+?=(?![=>])\s*", self.code
		):
			found.append(self.expression(match.end()))
		for match in re.finditer(
			rf"\bfunction\s+{word}\s*\(|^\s*(?:async\s+)?{word}\(", self.code, re.MULTILINE
		):
			body = self.text.find("{", end_of(self.text, match.end() - 1))
			if re.fullmatch(r"\s*", self.text[end_of(self.text, match.end() - 1) : body]):
				found += self.returned(self.text[body : end_of(self.text, body)])
		return all(map(self.is_safe, found))  # without a value it is a parameter

	def expression(self, at: int) -> str:
		start = at
		while at < len(self.text) and self.text[at] not in ";,)]}":
			at = end_of(self.text, at)
		return self.text[start:at]

	def returned(self, body: str) -> list[str]:
		found = []
		for match in re.finditer(r"\breturn\b(?=[\s(`])", body):
			at = match.end()
			while at < len(body) and body[at] not in ";}":
				at = end_of(body, at)
			found.append(body[match.end() : at])
		return found

	def is_safe(self, code: str) -> bool:
		code = re.sub(r"^\s*(?://[^\n]*\n\s*)*", "", code).strip().removeprefix("new ").rstrip(", \n\t")
		if re.fullmatch(r"[\d\s.+*/%-]*[\d.]+[\s+*/%-]+[\w.\s+*/%-]+|\w+\.\w+ [*/-] [\w.]+", code):
			return True  # a number
		if not code or re.fullmatch(
			r"-?\d+(\.\d+)?|null|undefined|true|false|this|[A-Z_]+\.\w+|\{.*\}", code, re.DOTALL
		):
			return True
		if code[0] in "'\"`(" and end_of(code, 0) == len(code):
			if code[0] == "`":
				return all(self.is_safe(part) for _at, part in parts_of(code))
			return code[0] != "(" or self.is_safe(code[1:-1])
		if code.startswith("html`") and end_of(code, 4) == len(code):
			return True
		if code[0] == "[" and end_of(code, 0) == len(code):
			return all(self.is_safe(part.strip().removeprefix("...")) for part in split(code[1:-1], ","))
		if arrow := re.match(r"(?:async\s+)?(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\w+)\s*=>\s*", code):
			body = code[arrow.end() :]
			return all(map(self.is_safe, self.returned(body))) if body[0] == "{" else self.is_safe(body)
		if len(choice := split(code, "?")) > 1:
			yes, *no = split("?".join(choice[1:]), ":")
			return self.is_safe(yes) and self.is_safe(":".join(no))
		if len(either := split(code, "||", "??")) > 1:
			return all(map(self.is_safe, either))
		if len(both := split(code, "&&")) > 1:
			return self.is_safe(both[-1])
		if len(summed := split(code, "+")) > 1:
			return all(map(self.is_safe, summed))
		return self.is_call_safe(code)

	def is_call_safe(self, code: str) -> bool:
		if JQUERY.match(code) or code.startswith("document.create"):
			return True  # its argument is checked as a sink
		chain = list(self.chain(code))
		name, arguments = chain[0]
		for method, _args in chain[1:]:
			if method in (".length", ".toFixed", ".getBoundingClientRect"):
				return True
		if arguments is None:
			return self.is_name_safe(name) if len(chain) == 1 else self.is_list_safe(chain)
		if name in ESCAPING or name in HARMLESS:
			return True
		if name == "frappe.utils.get_form_link":
			return len(split(arguments, ",")) == 2 or not split(arguments, ",")[2].strip()
		if name == "__":
			text, *values = split(arguments, ",")
			return text.strip()[0] in "'\"`" and all(self.is_safe(value) for value in values)
		if len(chain) > 1:
			return self.is_list_safe(chain)
		return self.is_name_safe(name.removeprefix("this."))

	def is_list_safe(self, chain: list[tuple[str, str | None]]) -> bool:
		"""Check `rows.map(row => …).join("")` by the result of the last map; otherwise check the list itself."""
		made = [args for method, args in chain if method in (".map", ".flatMap") and args is not None]
		joined = all(self.is_safe(args) for method, args in chain if method in (".join", ".concat") and args)
		return joined and self.is_safe(made[-1] if made else chain[0][0])

	def chain(self, code: str) -> Iterator[tuple[str, str | None]]:
		"""Split `a.b(c).d` into ("a.b", "c"), (".d", None)."""
		names = re.match(r"[\w$]+(?:\.[\w$]+)*", code)
		at = names.end() if names else end_of(code, 0)
		name = code[:at]
		if "." in name and at < len(code) and code[at] == "(" and name.rpartition(".")[2] in (
			"map", "join", "filter", "concat", "flatMap", "slice", "toFixed")  :  # fmt: skip
			name, _dot, method = name.rpartition(".")
			yield name, None
			end = end_of(code, at)
			yield f".{method}", code[at + 1 : end - 1]
			at = end
		elif at < len(code) and code[at] == "(":
			end = end_of(code, at)
			yield name, code[at + 1 : end - 1]
			at = end
		else:
			yield name, None
		while at < len(code):
			if match := re.match(r"\s*(\??\.\w+)", code[at:]):
				at += match.end()
				if at < len(code) and code[at] == "(":
					end = end_of(code, at)
					yield match[1].lstrip("?"), code[at + 1 : end - 1]
					at = end
				else:
					yield match[1].lstrip("?"), None
			else:
				at = end_of(code, at)

	def problems(self) -> Iterator[str]:
		for at, template in templates(self.text):
			if MARKUP.search(static(template)):
				for _offset, part in parts_of(template):
					if not self.is_safe(part):
						yield self.told(at, part)
		for match in SINKS.finditer(self.code):
			at = match.end()
			if self.text[at - 1] == "(":
				arguments = split(self.text[at : end_of(self.text, at - 1) - 1], ",")
				one = match[0].lstrip(".") not in ("append(", "prepend(")
				first = arguments[:1] if one else arguments
			else:
				first = [self.expression(at)]
			for code in first:
				bare = code.strip()
				if bare.startswith("{") or (
					match[0] in ("$(", ".append(", ".prepend(") and "`" not in bare and "<" not in bare
				):
					continue  # an object, which is checked by its keys; or an element
				if not self.is_safe(code):
					yield self.told(at, code)
		for match in KEYS.finditer(self.code):
			code = self.expression(match.end())
			if not self.is_safe(code):
				yield self.told(match.end(), code)

	def told(self, at: int, code: str) -> str:
		return f"line {self.text.count(chr(10), 0, at) + 1}: {' '.join(code.split())[:90]}"


@cache
def script(path: Path) -> Script:
	return Script(path.read_text(encoding="utf-8"), path)


def test_formatters_of_lists_escape_what_they_show():
	seen = 0
	for path in FILES:
		text = path.read_text(encoding="utf-8")
		if begin := re.search(r"\bformatters: (?={)", text):
			for _name, body in re.findall(
				r"(\w+): \(\w+\) =>([^,]+)", text[begin.end() : end_of(text, begin.end())]
			):
				seen += 1
				assert "escape_html(" in body, f"{path.name}: {body}"
	assert seen > 4, "the test looks in the wrong place"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_script_puts_no_text_into_html_unescaped(path):
	found = list(dict.fromkeys(script(path).problems()))
	assert not found, (
		f"{path.relative_to(APP)}: escape these, or call a name …html that is HTML\n" + "\n".join(found)
	)


@pytest.mark.parametrize(
	"code",
	[
		"$x.html(`<b>${row.name}</b>`)",
		"$x.html(row.name)",
		"$x.append(`<b>${__(row.type)}</b>`)",
		"$x.append('<b>' + row.name)",
		"const name = row.name;\n$x.html(`<b>${name}</b>`)",
		"const rows = all.map((row) => `<li>${row.name}</li>`).join('');\n$x.html(rows)",
		"function shown(row) {\n\treturn row.name;\n}\n$x.html(`<b>${shown(row)}</b>`)",
		"dialog.set_title(call.relation_name)",
		"page.set_title(`${__('Chain')}: ${asked.name}`)",
		"frappe.msgprint(answer.message)",
		"frappe.msgprint({ title: __('A'), message: answer.message })",
		"frappe.confirm(__('Start {0}?', [frm.doc.name]), go)",
		"frappe.throw(__('{0} is wrong', [row.role]))",
		"element.innerHTML = row.name",
		"$(`<b title='${row.name}'></b>`)",
		"return row.ok ? `<b>${escape(row.a)}</b>` : `<i>${row.b}</i>`",
		"$x.html(`<b>${frappe.utils.get_form_link('Relation', row.name, true)}</b>`)",
		"$x.html(`<b>${escape(row.a) + row.b}</b>`)",
		"$x.html(`<b>${[row.a, row.b].join('<br>')}</b>`)",
		"$x.html(`<b>${html`<i>${row.a}</i>`} ${row.b}</b>`)",
		"$x.html(html`<b>${$y.html(row.a)}</b>`)",
		"$x.html(html`<b>${`<i>${row.a}</i>`}</b>`)",
		"$x.html(other`<b>${row.a}</b>`)",
	],
)
def test_the_test_finds_what_is_not_escaped(code):
	assert list(Script(code).problems())


@pytest.mark.parametrize(
	"code",
	[
		"$x.html(`<b>${escape(row.name)}</b>`)",
		"$x.html(`<b>${__('A {0}', [escape(row.name)])} ${rows.length} ${cint(row.count)}</b>`)",
		"const rows = all.map((row) => `<li>${escape(row.name)}</li>`).join('');\n$x.html(rows)",
		"$x.append($('<b>').text(row.name))",
		"$x.append(button)",
		"frappe.msgprint(__('No letter is due.'))",
		"// it's a comment: `<b>${row.name}</b>`\nconst a = /[`'\"]/.test(b)",
		"$x.html(`<b>${row.a ? escape(row.a) : ''}</b>`)",
		"$x.html(html`<b>${row.a}</b>`)",
		"$x.html(`<b>${html`<i>${row.a}</i>`}</b>`)",
	],
)
def test_the_test_leaves_escaped_markup_alone(code):
	assert not list(Script(code).problems())


def test_the_test_follows_a_name_into_the_file_that_it_comes_from(tmp_path):
	(tmp_path / "other.js").write_text(
		"export const plain = (row) => row.name;\nexport const safe = (row) => `<b>${escape(row.name)}</b>`;\n",
		encoding="utf-8",
	)
	for name, expected in {"plain": True, "safe": False}.items():
		code = f'import {{ {name} }} from "./other.js";\n$x.html({name}(row));\n'
		assert bool(list(Script(code, tmp_path / "here.js").problems())) == expected, name

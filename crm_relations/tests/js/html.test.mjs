// Markup is safe by construction.
import assert from "node:assert/strict";
import { test } from "node:test";

import { escape, fill_html, html, joined_html, table_html } from "../../public/js/lib/html.js";

const evil = `<img src=x onerror="alert('1')">`;

test("a text in a template is escaped, in an attribute too", () => {
	assert.equal(
		String(html`<a title="${evil}">${evil}</a>`),
		`<a title="${escape(evil)}">${escape(evil)}</a>`,
	);
	assert.doesNotMatch(escape(evil), /[<>"'=]/);
});

test("markup in a template stays markup, also in a list", () => {
	const rows = ["a", evil].map((text) => html`<b>${text}</b>`);
	assert.equal(String(html`<i>${rows}</i>`), `<i><b>a</b><b>${escape(evil)}</b></i>`);
});

test("nothing, null and false leave nothing; zero stays", () => {
	assert.equal(String(html`[${null}${undefined}${false}${""}${0}]`), "[0]");
});

test("an object that pretends to be markup is escaped", () => {
	const pretender = { text: evil, toString: () => evil };
	assert.equal(String(html`${pretender}`), escape(evil));
});

test("a translated text gets texts and markup in any order", () => {
	const filled = fill_html("{1} < {0} {1}", [evil, html`<b>2</b>`]);
	assert.equal(String(filled), `<b>2</b> &lt; ${escape(evil)} <b>2</b>`);
});

test("empty parts need no separator", () => {
	assert.equal(String(joined_html(["a", "", null, html`<b>c</b>`], " · ")), "a · <b>c</b>");
});

test("heads of a table are texts, and amounts stand on the right", () => {
	const table = String(table_html([evil, "#Amount"], html`<tr></tr>`));
	assert.match(table, /<th scope="col" class="text-right">Amount<\/th>/);
	assert.ok(table.includes(`<th scope="col">${escape(evil)}</th>`));
});

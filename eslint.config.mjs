// Rules for the desk's scripts. `make javascript` runs them with a pinned eslint; the rules need no plugin.

const read = (...names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

/** What a page of the desk offers to scripts. */
const DESK = read(
	...["$", "__", "cint", "crm_relations", "cur_frm", "cur_list", "erpnext", "format_currency"],
	...["format_number", "frappe", "strip_html"],
);
const BROWSER = read(
	...["AbortController", "clearTimeout", "document", "fetch", "getComputedStyle", "localStorage"],
	...["setTimeout", "URLSearchParams", "window"],
);
const RULES = {
	"array-callback-return": "error",
	"consistent-return": "error",
	curly: ["error", "multi-line"],
	eqeqeq: ["error", "always", { null: "ignore" }],
	"no-constant-condition": "error",
	"no-dupe-class-members": "error",
	"no-dupe-keys": "error",
	"no-duplicate-imports": "error",
	"no-empty": "error",
	"no-implicit-globals": "error",
	"no-redeclare": "error",
	"no-self-compare": "error",
	"no-shadow": "error",
	"no-undef": "error",
	"no-unreachable": "error",
	"no-unused-expressions": "error",
	"no-unused-vars": ["error", { args: "after-used", ignoreRestSiblings: true }],
	"no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
	"no-useless-return": "error",
	"no-var": "error",
	"object-shorthand": "error",
	"prefer-const": "error",
	"prefer-template": "error",
};
/** The library does these once, escaped and with the right type of request. */
const THROUGH_LIB = {
	"no-restricted-properties": [
		"error",
		{ object: "utils", property: "escape_html", message: "Use escape or html of lib/html.js." },
		{ property: "get_form_link", message: "Use lib/links.js." },
		{ property: "str_to_user", message: "Use date or day of lib/format.js." },
	],
	"no-restricted-globals": [
		"error",
		{ name: "format_currency", message: "Use money of lib/format.js." },
	],
};

export default [
	{ ignores: ["**/dist/**", "**/node_modules/**"] },
	{
		files: ["crm_relations/public/js/**/*.js"],
		languageOptions: {
			ecmaVersion: 2022,
			sourceType: "module",
			globals: { ...DESK, ...BROWSER, globalThis: "readonly" },
		},
		rules: { ...RULES, ...THROUGH_LIB },
	},
	{
		files: ["crm_relations/public/js/lib/*.js"],
		rules: { "no-restricted-properties": "off", "no-restricted-globals": "off" },
	},
	{
		// Frappe appends these to the script of a form, a list, a page or a report, often to one of ERPNext
		files: ["crm_relations/public/js/desk_scripts/*.js", "crm_relations/crm_relations/**/*.js"],
		languageOptions: {
			ecmaVersion: 2022,
			sourceType: "script",
			globals: { ...DESK, ...BROWSER },
		},
		rules: {
			...RULES,
			"no-restricted-properties": "off",
			"no-restricted-syntax": [
				"error",
				{
					selector:
						"Program > :matches(VariableDeclaration, FunctionDeclaration, ClassDeclaration)",
					message:
						"The scope is shared with other scripts: declare nothing at the top level.",
				},
			],
		},
	},
	{
		files: ["crm_relations/tests/js/*.mjs", "*.mjs"],
		languageOptions: {
			ecmaVersion: 2022,
			sourceType: "module",
			globals: { console: "readonly" },
		},
		rules: RULES,
	},
];

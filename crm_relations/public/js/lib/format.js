// How amounts, dates, numbers and users are written. All of these return plain text.

/** Return an amount in its currency. Amounts of the server are decimal strings: read as text in the number format of
 * the site, their point would count as a group. */
export const money = (amount, currency) =>
	amount === null || amount === undefined
		? ""
		: strip_html(format_currency(Number(amount), currency));

export const number = (value, digits = 0) => format_number(Number(value), null, digits);

export const percent = (value) => `${Math.round(value)} %`;

/** Return a date or a time as the user writes it; nothing for nothing. */
export const date = (value) => (value ? frappe.datetime.str_to_user(value) : "");

/** Return the day of a time. */
export const day = (value) => date(String(value ?? "").slice(0, 10));

/** Return the name of a user; the session's own user is "You". */
export const user_name = (user) => (user ? frappe.user.full_name(user) || user : "");

/** Return the full name of a user. */
export const full_name = (user) => (user ? frappe.user_info(user).fullname || user : "");

/** Return the currency of a company, where the desk knows it. */
export const currency_of = (company) => frappe.get_doc(":Company", company)?.default_currency;

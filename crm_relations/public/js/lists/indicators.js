// The indicator of a row in the lists of this app: state, color, and the filter behind a click.

import { color_of } from "../lib/enums.js";

/** Return the indicator for the value of a field, with the color of its enumeration. */
export const indicator = (enumeration, fieldname, doc) => [
	__(doc[fieldname]),
	color_of(enumeration, doc[fieldname]),
	`${fieldname},=,${doc[fieldname]}`,
];

// The functions of the server that the screen of a campaign calls.

import { api } from "../lib/api.js";

export const campaigns = api("crm_relations.campaigns.api");
export const interactions = api("crm_relations.interactions.api");

/** Return the element that readiness and progress fill. */
export const $progress = (frm) => frm.fields_dict.progress_html.$wrapper;

/** Tell whether the form still shows the campaign that a request was made for. */
export const is_shown = (frm, campaign) => cur_frm === frm && frm.doc.name === campaign;

// States and kinds as the server defines them (setup/desk.py), and their colors. The browser keeps no list of its own.

const boot = () => globalThis.frappe?.boot?.crm_relations ?? {};

/** An enumeration of the server: member → value. A member that does not exist is an error, not undefined. */
function enumeration(name) {
	return new Proxy(boot().enums?.[name] ?? {}, {
		get(members, member) {
			if (typeof member === "string" && !(member in members)) {
				throw new Error(`${name} has no member ${member}`);
			}
			return members[member];
		},
	});
}

export const CallAnswer = enumeration("CallAnswer");
export const CampaignStatus = enumeration("CampaignStatus");
export const Channel = enumeration("Channel");
export const DuplicateState = enumeration("DuplicateState");
export const HandoverStatus = enumeration("HandoverStatus");
export const ImportStatus = enumeration("ImportStatus");
export const InteractionKind = enumeration("InteractionKind");
export const MailAddressState = enumeration("MailAddressState");
export const MailReviewDecision = enumeration("MailReviewDecision");
export const MailReviewState = enumeration("MailReviewState");
export const MemberStatus = enumeration("MemberStatus");
export const MergeState = enumeration("MergeState");
export const RelationKind = enumeration("RelationKind");
export const SegmentKind = enumeration("SegmentKind");
export const SegmentPin = enumeration("SegmentPin");
export const SegmentState = enumeration("SegmentState");
export const SendState = enumeration("SendState");
export const StepType = enumeration("StepType");

/** Return the color of a state, by the name of its enumeration. */
export const color_of = (name, value) => boot().colors?.[name]?.[value] || "gray";

/** Return what the rule of a segment may say: depth, kinds of groups, operators, periods. */
export const rule_grammar = () => boot().rule_grammar;

/** Return the groups and kinds of the timeline, with label and icon. */
export const timeline_legend = () => boot().timeline;

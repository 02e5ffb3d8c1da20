// A rendered text in a frame of its own: its styles stay inside, and none of its scripts runs.

/** Return the frame; the sandbox without permissions is what keeps scripts from running. */
export const framed = (content, title, height) =>
	$("<iframe>").attr({ sandbox: "", title, srcdoc: content }).css({
		width: "100%",
		height,
		border: "1px solid var(--border-color)",
		background: "#fff",
	});

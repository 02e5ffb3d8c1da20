"""Decide how certain it is that the writer of an email objects to advertising, in German, English, French,
Dutch, Spanish and Italian. Pure Python, imports no frappe. Writes nothing.

A certain objection leaves no doubt and is recorded. A possible one must be read by a user; no message is
sent until then. In doubt, an objection counts as possible: a missed objection is unlawful, while a false
one only costs an email. Patterns are applied to normalized sentences (`reply_text.folded`). None of them
can read a character more than a fixed number of times.
"""

import re
from typing import Literal

from crm_relations.campaigns.classification.reply_text import bare_subject, folded, from_html, own_words

Level = Literal["", "possible", "certain"]

#: a longer text contains more than an objection
_LONG = 1_500
_SENTENCE = re.compile(r"[.!?;\n]+")
_WORD = re.compile(r"[a-z0-9']+")

#: a text of only these words, and of words without meaning, is an objection
_SHORT = frozenset(
	"""stop stopp halt abmelden abmeldung austragen abbestellen abbestellung loeschen loeschung streichen entfernen
	widerspruch widerspreche widersprechen unsubscribe remove delete optout desabonner desabonnement desinscription
	desinscrire desinscrivez baja cancelar cancellami cancellatemi cancellazione disiscrizione disiscrivimi uitschrijven
	afmelden afmelding raus werbestopp newsletterabmeldung unsubscribed""".split()
)
_EMPTY = frozenset(
	"""bitte danke please thanks thank you merci grazie gracias bedankt vielen dank mich me us uns sofort hiermit hallo
	guten tag sehr geehrte damen und herren dear sir madam hello hi bonjour mfg lg vg gruss gruesse mit freundlichen
	freundliche beste viele regards kind best den der die das vom von aus newsletter verteiler mail mails email emails e
	werbung alle all ich wir i we nous je now jetzt umgehend meine my adresse address list liste out opt this ihre ihrem
	ihren your diese dieser by again svp s'il vous plait alsjeblieft per favore por favor""".split()
)

_LIST = r"(verteiler|adressliste|mailingliste|e-?mail-?liste|liste\b|newsletter|mailing|rundmail|kartei|datenbank|adressbestand)"
_MAILS = (
	r"(werbung|werbe\w{0,20}|reklame|newsletter\w{0,3}|rundmails?|rundschreiben|mailings?|spam|spam-?mails?)"
)
_POST = (
	r"(e-?mails?|mails?|nachrichten|zusendung(en)?|zuschriften|angebote?|informationen|infos|einladung(en)?|post"
	r"|kontaktaufnahmen?|anschreiben)"
)

#: an act; after a `not` it may mean the opposite
_ACTS = re.compile(
	r"\b(abmelden|abzumelden|austragen|auszutragen|abgemeldet werden|ausgetragen werden)\b"
	r"|\bunsubscribe\b|\bopt(ing|ed)?[ -]?out\b"
	r"|\bdesinscri(re|vez|ption|s)\b|\bdesabonn(er|ez|ement)\b"
	r"|\b(uitschrijven|uitgeschreven|afmelden|afgemeld)\b"
	r"|\bdisiscri\w{1,12}\b|\bdesuscrib\w{1,10}\b"
)
_NOT_BEFORE = re.compile(r"\b(nicht|kein\w{0,2}|not|don't|never|pas|non|no|niet|geen)\b.{0,15}$")

_CERTAIN = [
	re.compile(pattern)
	for pattern in (
		# German
		rf"\b(abmeldung|austragung|abbestellung|abmelde|abbestelle|abbestellen)\b.{{0,40}}({_MAILS}|{_LIST}|mail)",
		rf"\b{_MAILS}.{{0,40}}\b(abbestell|abmeld|kuendig|beend|einstell|einzustell|unterlass)",
		r"\b(melden?|meldet|tragen?|tragt|trag|meld|bestellen?) (sie |ihr )?(bitte )?(mich|uns|(meine|unsere) \w{1,20})\b.{0,60}\b(ab|aus)(,|$| bitte| danke| und)",
		rf"\bkeine?(n|rlei)? (\w{{1,20}} ){{0,2}}{_MAILS}\b",
		rf"\bkeine?(n|rlei)? (\w{{1,20}} ){{0,3}}{_POST}\b.{{0,40}}\b(mehr|zu?(zu)?(send|schick)\w{{1,6}}|erhalten|bekommen|wuensch\w{{1,6}})",
		rf"\bkeine (weiteren?|zukuenftigen?|kuenftigen?) (\w{{1,20}} ){{0,2}}{_POST}\b",
		r"\b(nicht|nie|niemals) (mehr|wieder|weiter|weiterhin|laenger)\b.{0,40}\b(an|zu|be)?(zu)?(geschrieb|schreib|gemailt|mail|kontakt|send|gesend|schick|geschick|belaestig|behellig|werb|informier)",
		r"\b(schreib|mail|kontaktier|send|schick|belaestig|behellig|informier|werb)\w{0,5}\b.{0,30}\b(nicht|nichts|nie|niemals) (mehr|wieder|laenger)\b",
		rf"\b(stellen sie|unterlassen sie|unterlasst|verschonen sie|hoeren sie)\b.{{0,60}}({_MAILS}|{_POST})",
		rf"({_MAILS}|\b{_POST})\b.{{0,60}}\b(einzustellen|einstellen|unterlassen|verschonen)\b",
		r"\b(von|um) (weiteren?|kuenftigen?|zukuenftigen?|jeglichen?|jedweden?)\b.{0,60}\b(abzusehen|absehen|abstand|verschon|unterlass)",
		rf"\bsehen sie\b.{{0,60}}({_MAILS}|{_POST}).{{0,30}}\bab\b",
		r"\b(lass|lassen|lasst) (sie )?(mich|uns)\b.{0,20}\bin (ruhe|frieden)\b",
		r"\b(loesch|entfern|sperr|streich|tilg)\w{0,4} (sie )?(bitte )?(mich|uns)\b",
		r"\b(loesch|entfern|sperr|streich|tilg)\w{0,4}\b.{0,40}\b(meine|unsere|die|diese)\b.{0,20}(daten|adresse|mail)",
		r"\b(meine|unsere|diese)\b.{0,20}(daten|adresse|mail\w{0,12})\b.{0,40}\b(zu )?(loesch|entfern|sperr|streich)",
		r"\b(nehm|nimm)\w{0,3} (sie )?(mich|uns|(meine|unsere) \w{1,20}) (bitte )?(raus|heraus)\b",
		r"\bwiderspr(eche|echen|uch)\b.{0,80}(werb|nutzung|verarbeitung|verwendung|speicherung|zusendung|zusend|dsgvo|gdpr|mail|daten)",
		r"^(hiermit )?(ich |wir )?(hiermit )?(widerspreche|widersprechen)( ich| wir)?( hiermit)?$",
		r"\bwiderruf\w{0,3}\b.{0,60}(einwilligung|zustimmung)|(einwilligung|zustimmung)\b.{0,60}(widerruf|zurueck)",
		# English
		r"\b(remove|delete|drop|unsubscribe|exclude) (me|us)\b",
		r"\btake (me|us|(my|our|this) \w{1,15})( \w{1,15}){0,2} off\b",
		r"\b(remove|delete|erase) (my|our|this)\b.{0,30}\b(e-?mail|address|data|details|name|contact|information|record)",
		r"\b(remove|delete|take) \w{1,20} from\b.{0,30}\b(list|mailing|database|newsletter)",
		r"\bstop (all |any |your |these |this )?(e-?mail|mail|send|contact|writ|spam|messag|bother|market|newsletter)",
		r"\b(do not|don't|dont|no longer|not)\b.{0,30}\b(want|wish|like|care|need|interested)\b.{0,40}\b(receiv|getting|e-?mail|mails|newsletter|advert|market|contacted|messages)",
		r"\b(do not|don't|dont|never)( ever)? ((e-?mail|mail|contact|write|write to|message) (me|us|this)|send (me |us )?(any|these|such|further|more|your))\b",
		r"\b(do not|don't|dont|never)\b.{0,12}\b(e-?mail|mail|contact|write|send)\b.{0,30}\b(again|any ?more)\b",
		r"\bno (more|further|additional) (\w{1,20} ){0,2}(e-?mails?|mails?|messages?|advert\w{0,10}|newsletters?|marketing|communications?|spam|contact)\b",
		r"\b(withdraw|revoke)\w{0,3} (my|our) (consent|permission)\b|\bi (hereby )?object to\b|\bleave (me|us) alone\b|\bcease and desist\b",
		# French
		r"\b(retir|supprim|enlev|ray|desabonn|desinscri)\w{0,4}[ -](moi|nous|mon|notre|mes)\b",
		r"\bme (retirer|supprimer|enlever|desinscrire|desabonner|rayer)\b",
		r"\bne (souhait|veu|desir|voul)\w{1,6} (plus|pas)\b.{0,40}\b(recevoir|etre|vos|de)\b",
		r"\bplus (de |d'|aucune? |recevoir )(\w{1,15} ){0,2}(publicite|mails?|courriels?|newsletters?|messages?|e-mails?|offres?)",
		r"\b(arret|cess)\w{1,4} de (m'|nous |me )\w{3}|\bne (plus )?(m'|nous )(envoy|ecri|contact)\w{1,5}|\bn'envoyez plus\b|\bm'oppose\b",
		# Dutch
		r"\b(schrijf|meld|haal|verwijder) (mij|me|ons|mijn)\b|\buit te schrijven\b|\b(mij|me|ons)\b.{0,30}\b(van|uit) (de|uw|jullie) (lijst|mailinglijst|nieuwsbrief|bestand)",
		r"\bgeen (\w{1,20} ){0,2}(reclame|mails?|e-?mails?|nieuwsbrie\w{1,4}|berichten|post|aanbiedingen)\b.{0,30}\b(meer|ontvangen|sturen)\b",
		r"\bniet (meer|langer)\b.{0,30}\b(mailen|ontvang|benader|contacter|stur)|\b(maak|maken) bezwaar\b",
		# Spanish
		r"\b(dar|dame|deme|denme|denos|darme|darnos|quiero|solicito|causar)\b.{0,12}\bbaja\b|\bbaja (de|en) (la|su|esta) (lista|newsletter|suscripcion)",
		r"\bcancel\w{1,4} (la |mi |esta )?suscripcion|\bno (quiero|deseo|queremos|deseamos)\b.{0,30}\b(recib|mas|seguir)",
		r"\bno (me|nos) (envi|escrib|mand|contact)|\b(elimin|borr|quit)\w{1,4}(me|nos)\b|\b(elimin|borr|quit)\w{1,4} (mi|mis|nuestr\w) (correo|direccion|datos|email)",
		r"\bdejen? de (enviar|escribir|mandar)|\bme opongo\b",
		# Italian
		r"\b(cancell|rimuov|togli|elimin)\w{0,5}(mi|temi|teci|ermi|armi)\b|\bannull\w{1,4} (la )?(mia )?iscrizione",
		r"\bnon (desider|vogli|vorrei)\w{0,4}\b.{0,15}\bpiu\b|\bnon (inviat|scrivet|mandat|contattat)\w{0,6}\b",
		r"\bbasta (pubblicita|e-?mail|mail)|\bsmett\w{1,6} di\b|\bmi oppongo\b|\brevoc\w{1,4}\b.{0,20}\bconsenso\b",
	)
]
_FROM_LIST = re.compile(rf"\b(aus|von)\b.{{0,60}}{_LIST}")
_TAKE_OUT = re.compile(
	r"\b(streich|loesch|entfern|nehm|nimm|genomm|gestrich|geloescht|trag|ausgetrag|schmeiss|werf|wirf|holen|hol|raus|heraus|abmeld|abgemeld)"
)
#: a writer that uses these words may object
_POSSIBLE = re.compile(
	r"verteiler|newsletter|abmeld|abbestell|austrag|werbung|\bspam\b|widerspr|widerruf|dsgvo|gdpr|rgpd|datenschutz"
	r"|belaestig|unerwuenscht|unaufgefordert|ungefragt|abmahn|rechtsanwalt|woher haben sie|in ruhe|einwillig"
	r"|unsubscri|opt.?out|mailing list|remove (me|us|my)|personal data|stop (send|mail|e-?mail|contact|writ)|unsolicited|my consent"
	r"|desinscri|desabonn|publicite|consentement|\bbaja\b|suscripcion|publicidad|iscrizione|pubblicita|consenso"
	r"|uitschrij|afmeld|nieuwsbrief|reclame"
	r"|(nicht|nichts|nie|niemals) (mehr|wieder)\b.{0,30}(anruf|angeruf|telefon|melden|hoeren|haben)|will das nicht|hoer\w{0,3} (sie )?auf|aufhoeren"
)
#: other subjects of a sentence: an order, or another channel of contact
_OTHER_MATTER = re.compile(
	r"\b(sondern|stattdessen|instead|rechnung\w{0,3}|mahnung\w{0,3}|bestellung\w{0,3}|auftrag\w{0,3}|lieferung\w{0,3}|artikel|position\w{0,3}"
	r"|angebot aus|invoice|order|delivery)\b"
)
_MORE = re.compile(
	r"\b(anruf\w{0,3}|angerufen|telefon\w{0,8}|briefe?|briefpost|postalisch\w{0,2}|dsgvo|gdpr|rgpd|auskunft|daten|calls?|phone|letters?|data|donnees|datos|dati|gegevens)\b"
)
_INTEREST = re.compile(
	r"(?<!nicht )(?<!nicht mehr )(?<!not )(?<!nor )(?<!un)\b(interessiert|interested)\b|\b(grosses|weiterhin|starkes) interesse\b"
	r"|\b(gern\w{0,2}|please|bitte)\b.{0,25}\b(rufen sie|anrufen|rueckruf|termin|call|quote|appointment)\b|\bweiterhin (\w{1,15} ){0,2}(erhalten|informier)"
)


def level(text: str | None, subject: str | None = "", sent_subject: str | None = "") -> Level:
	"""Return how certain it is that an email is an objection.

	:param text: the writer's own words (`reply_text.own_words`)
	:param subject: of the email; it counts only if it differs from that of the answered email
	:param sent_subject: subject of the answered email
	"""
	body = folded(text)
	title = folded(bare_subject(subject))
	sent = folded(bare_subject(sent_subject))
	if sent and (title in sent or (len(sent) > 3 and sent in title)):
		title = ""  # programs add words to the subject that they answer; a person replaces it
	of_body, of_title = _judged(body), _judged(title)
	if of_body == "certain":
		return "certain"
	if of_title == "certain":
		return "certain" if len(body) < 300 and not _INTEREST.search(body) else "possible"
	return of_body or of_title


def is_objection(text: str | None) -> bool:
	"""Tell whether a text, with or without quotations, says beyond doubt that its writer wants no more
	advertising.
	"""
	return level(own_words(text)) == "certain"


def is_about_more(text: str | None) -> bool:
	"""Tell whether an objection also mentions calls, letters, or stored data."""
	return bool(_MORE.search(folded(text)))


def words_of(content: str | None) -> str:
	"""Return the writer's own words of a text that may be HTML."""
	return own_words(from_html(content or ""))


def _judged(text: str) -> Level:
	if not text:
		return ""
	first = text.partition("\n")[0]
	if _is_short(text) or _is_short(first):
		return "certain" if len(text) < _LONG and not _INTEREST.search(text) else "possible"
	found: Level = "possible" if _POSSIBLE.search(text) else ""
	for sentence in _sentences(text):
		before = found
		if (act := _ACTS.search(sentence)) and not _NOT_BEFORE.search(sentence[: act.start()][-60:]):
			found = "certain"
		elif _TAKE_OUT.search(sentence) and (out := _FROM_LIST.search(sentence)):
			found = "certain" if not _NOT_BEFORE.search(sentence[: out.start()][-60:]) else "possible"
		elif any(pattern.search(sentence) for pattern in _CERTAIN):
			found = "certain"
		if found == "certain" and _OTHER_MATTER.search(sentence):
			found = before or "possible"
		if found == "certain":
			return "certain" if len(text) < _LONG and not _INTEREST.search(text) else "possible"
	return found


def _sentences(text: str) -> list[str]:
	"""Split a text into sentences. A line that a program broke is joined to the next."""
	return [
		" ".join(part.split()) for part in _SENTENCE.split(text.replace("-\n", "").replace("\n", " "))
	] + text.split("\n")


def _is_short(text: str) -> bool:
	if len(text) > 200:
		return False
	words = [word for word in _WORD.findall(text.replace("-", "")) if word not in _EMPTY]
	return 0 < len(words) <= 3 and all(word in _SHORT for word in words)

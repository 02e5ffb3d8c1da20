"""Map headings of other programs to fields of Relation, and to columns that are not a field. Imports no
frappe.

Known are the files of Outlook (classic and new), Google Contacts, Apple, Thunderbird, Salesforce, HubSpot,
DATEV, Mailchimp and newsletter services, in English and German. Headings are compared without case, blanks
and punctuation.
"""

import re
from collections.abc import Mapping, Sequence

EMAIL, PHONE, MOBILE, FAX, WEBSITE, ADDRESS = "Email", "Phone", "Mobile", "Fax", "Website", "Address"
#: type of a further contact point → the field of Relation for the first of its type
MAIN_FIELDS = {EMAIL: "email_id", PHONE: "phone", MOBILE: "mobile_no", WEBSITE: "website"}

#: columns that are not a field of Relation
COMPANY, NOTES = "company", "notes"
FURTHER = {
	"further_emails": EMAIL,
	"further_phones": PHONE,
	"further_mobiles": MOBILE,
	"further_fax": FAX,
	"further_websites": WEBSITE,
	"further_addresses": ADDRESS,
}
#: parts of an address → the field of Relation that holds it; a region has none
PARTS = {"street": "address_line", "pincode": "pincode", "city": "city", "region": "", "country": "country"}
#: columns of addresses other than the main one
PLACES = {f"{place}_{part}": (place, part) for place in ("home", "other") for part in PARTS}
STREET_2, PLACE, LABEL = "address_line_2", "pincode_and_city", "label_of_next"
BIRTHDAY_PARTS = ("birth_day", "birth_month", "birth_year")
#: opt-outs of the old system. `allowed_…`: a column that says that advertising is allowed
OPT_OUTS = (
	"optout_email",
	"optout_phone",
	"optout_letter",
	"optout_all",
	"allowed_email",
	"allowed_phone",
	"allowed_letter",
	"optout_status",
	"optout_on",
	"bounced",
	"bounced_on",
)
#: columns that a file may have several times
REPEATED = frozenset({*FURTHER, STREET_2, LABEL, "home_street", "other_street", *OPT_OUTS})
LEAVE_OUT = "-"

_SYNONYMS: dict[str, str] = {}


def _known(target: str, words: str) -> None:
	_SYNONYMS.update(dict.fromkeys(words.casefold().split(), target))


_known("address_line", "straßeundhausnummer straßeundhausnr straßeundnr straßenummer")
_known("phone", "telnr telefonnr telnummer telefonnrgeschäftlich")
_known(PLACE, "plzort plzundort plzwohnort postleitzahlort postleitzahlundort zipcity")
_known(
	"relation_name", "fn fullname name1 displayname anzeigename kundenname namevollständig vollständigername"
)
_known("relation_name", "nameadressattypkeineangabe kontaktname contactname")
_known(COMPANY, "firma company companyname organization organisation unternehmen arbeitgeber firmenname")
_known(COMPANY, "accountname associatedcompany organizationname organization1name nameadressattypunternehmen")
_known(COMPANY, "primaryassociatedcompany zugeordnetesunternehmen unternehmensname employer")
_known("email_id", "email emailadresse emailaddress mail email1value emailvalue primaryemail emailid")
_known(
	"email_id",
	"primäreemailadresse email1 email1address emailprivat emailgeschäftlich businessemail workemail",
)
_known(
	"further_emails", "email2 email2address email3 email3address email2adresse email3adresse secondaryemail"
)
_known(
	"further_emails", "additionalemailaddresses sekundäreemailadresse weitereemailadressen additionalemail"
)
_known("further_emails", "homeemail otheremail personalemail privateemail zweiteemail alternateemail")
_known(
	"phone",
	"telefon tel telefonnummer phone phonenumber businessphone telefongeschäftlich workphone teldienstlich",
)
_known("phone", "phone1value telefondienstlich festnetz rufnummer telephone telefon1")
_known(
	"further_phones",
	"telefon2 businessphone2 telefongeschäftlich2 homephone homephone2 telefonprivat telefonprivat2",
)
_known(
	"further_phones",
	"telprivat otherphone weiterestelefon primaryphone haupttelefon companymainphone telefonfirma",
)
_known("further_phones", "carphone autotelefon asstphone telefongl phone2 additionalphone")
_known(
	"mobile_no",
	"mobil mobilephone mobiltelefon handy mobile mobilenumber mobilephonenumber mobiltelnr mobilnummer",
)
_known("mobile_no", "handynummer cellphone cell")
_known("further_mobiles", "mobiltelefon2 mobil2 mobile2")
_known(
	"further_fax",
	"fax faxgeschäftlich businessfax homefax faxprivat otherfax weiteresfax faxnummer faxnumber faxnr",
)
_known(
	"website", "webseite url homepage website webpage webpage1 webseite1 websiteurl internet website1value"
)
_known("website", "businesswebpage internetseite")
_known("further_websites", "webpage2 webseite2 personalwebpage website2value")
_known(
	"address_line",
	"strasse straße strassenr strassehausnummer straßehausnummer straßenr businessstreet street",
)
_known(
	"address_line",
	"straßegeschäftlich mailingstreet billingstreet workaddress dienstlichadresse streetaddress",
)
_known(
	"address_line",
	"mailingaddressline1 addressline1 adresse1 anschrift address1street billingaddressline1 adresse",
)
_known(
	STREET_2,
	"businessstreet2 businessstreet3 straßegeschäftlich2 straßegeschäftlich3 workaddress2 addressline2",
)
_known(
	STREET_2,
	"dienstlichadresse2 adresszusatz adresse2 streetaddress2 mailingaddressline2 address1extendedaddress",
)
_known(
	STREET_2,
	"hausnummer businessaddresspobox postfachgeschäftlich address1pobox postfach mailingaddressline3",
)
_known(
	"pincode", "plz postleitzahl zip zipcode businesspostalcode postleitzahlgeschäftlich mailingzippostalcode"
)
_known(
	"pincode", "mailingpostalcode billingzippostalcode billingpostalcode workzipcode dienstlichplz postalcode"
)
_known("pincode", "address1postalcode postcode")
_known(
	"city",
	"ort stadt city businesscity ortgeschäftlich mailingcity billingcity workcity dienstlichort address1city",
)
_known("city", "town wohnort")
_known(
	"country",
	"land country businesscountryregion businesscountry landregiongeschäftlich mailingcountry billingcountry",
)
_known("country", "workcountry dienstlichland address1country countryregion landregion")
_known(
	"home_street",
	"homestreet homestreet2 homestreet3 straßeprivat straßeprivat2 straßeprivat3 homeaddress homeaddress2",
)
_known("home_street", "privatadresse privatadresse2 homeaddresspobox postfachprivat")
_known("home_pincode", "homepostalcode postleitzahlprivat homezipcode privatplz")
_known("home_city", "homecity ortprivat privatort")
_known("home_region", "homestate bundeslandkantonprivat regionprivat privatbundesland")
_known("home_country", "homecountryregion homecountry landregionprivat privatland")
_known(
	"other_street",
	"otherstreet otherstreet2 otherstreet3 weiterestraße weiterestraße2 weiterestraße3 address2street",
)
_known(
	"other_street", "otheraddresspobox weiterespostfach shippingstreet address2extendedaddress address2pobox"
)
_known(
	"other_pincode",
	"otherpostalcode weiterepostleitzahl otherzippostalcode shippingzippostalcode shippingpostalcode",
)
_known("other_pincode", "address2postalcode")
_known("other_city", "othercity weitererort shippingcity address2city")
_known("other_region", "otherstate otherstateprovince weitereregion weiteresrbundeslandkanton address2region")
_known(
	"other_country",
	"othercountryregion othercountry weitereslandregion weitereselandregion shippingcountry address2country",
)
_known("first_name", "vorname givenname firstname rufname vornameadressattypnatürlperson")
_known("last_name", "nachname familyname lastname surname familienname zuname nameadressattypnatürlperson")
_known("salutation", "anrede salutation nameprefix namepräfix")
_known(
	"designation",
	"position jobtitle funktion arbeitstitel organizationtitle organization1title stellenbezeichnung beruf",
)
_known("date_of_birth", "geburtstag birthday geburtsdatum birthdate dateofbirth")
_known("birth_year", "birthyear geburtsjahr")
_known("birth_month", "birthmonth geburtsmonat")
_known("gender", "geschlecht gender")
_known(NOTES, "notizen bemerkung bemerkungen notes description kommentar beschreibung")
_known("uid", "uid")
_known("relation_kind", "art typ")
_known("industry", "branche industry")
_known("employees", "mitarbeiter numberofemployees anzahlmitarbeiter mitarbeiterzahl employees")
_known("annual_revenue", "annualrevenue jahresumsatz")
_known(
	"optout_email",
	"emailoptout hasoptedoutofemail optedoutofemail unsubscribed unsubscribedfromallemail optout",
)
_known(
	"optout_email",
	"emailabgemeldet abgemeldet newsletterabgemeldet abgemeldetvonallenemails emailsperre mailsperre",
)
_known(
	"optout_email",
	"donotemail noemail keineemails keineemail emailblacklisted donotallowemails donotallowbulkemails",
)
_known(
	"optout_email",
	"emailsnichtzulassen massenemailsnichtzulassen newsletteroptout newslettersperre deactivated",
)
_known(
	"optout_email", "keinnewsletter optedout unsubscribe emailwiderspruch widerspruchemail hasunsubscribed"
)
_known(
	"optout_phone",
	"donotcall phoneoptout nichtanrufen keineanrufe telefonsperre anrufsperre keinanruf donotphone",
)
_known(
	"optout_phone",
	"donotallowphonecalls telefonanrufenichtzulassen widersprucherufe widerspruchtelefon nophone nocalls",
)
_known("optout_phone", "keintelefon telefonwiderspruch calloptout dncstatus donotcallregistry")
_known(
	"optout_letter",
	"donotmail mailoptout nopost postsperre keinepost keinebriefe briefsperre donotallowmails nomail",
)
_known(
	"optout_letter",
	"postversandnichtzulassen postoptout widerspruchpost widerspruchbrief directmailoptout robinsonliste",
)
_known("optout_letter", "postwiderspruch donotsendletters donotpost")
_known(
	"optout_all",
	"donotcontact werbesperre keinewerbung werbewiderspruch widerspruch nichtkontaktieren kontaktsperre",
)
_known(
	"optout_all",
	"hasoptedoutsolicit donotmarket dontmarket hasoptedoutofmarketing nomarketing doesnotwantmarketing sperrvermerk",
)
_known(
	"allowed_email",
	"emailerlaubt emailallowed allowemail darfgemailtwerden emailwerbungerlaubt allowemails mayemail",
)
_known(
	"allowed_phone",
	"telefonerlaubt anruferlaubt callallowed allowcalls telefonwerbungerlaubt maycall allowphone",
)
_known("allowed_letter", "posterlaubt brieferlaubt mailallowed postwerbungerlaubt allowmail")
_known(
	"optout_status",
	"emailmarketingstatus subscriptionstatus subscriberstatus newsletterstatus emailstatus marketingstatus",
)
_known(
	"optout_status",
	"abonnementstatus abostatus emailsubscriptionstatus memberstatus emailsubscriberstatus unsubscribedmode",
)
_known(
	"optout_on",
	"unsubtime unsubscribetime unsubscribedate unsubscribedat optoutdate optoutdatum abmeldedatum abgemeldetam",
)
_known(
	"optout_on",
	"unsubscribedtime unsubscribedon unsubscribeddate emailoptoutdate widersprucham widerspruchvom optedoutdate",
)
_known(
	"optout_on",
	"optedoutat optouttime abmeldezeitpunkt dateunsubscribed werbesperreseit unsubscribedfromallemaildate",
)
_known(
	"bounced",
	"emailhardbouncereason hardbouncereason isemailbounced emailbounced bounced hardbounced emailbouncedreason",
)
_known(
	"bounced",
	"invalidemail emailungültig unzustellbar hardbounce bouncereason emailunzustellbar undeliverable bouncetype",
)
_known("bounced_on", "cleantime emailbounceddate bouncedate bouncedat bouncedon hardbouncedate cleanedat")
#: what no reader of the notes needs: internal data of a program. Bank accounts are for the accounts
#: department
_known(
	LEAVE_OUT, "emailtype email2type email3type emaildisplayname email2displayname email3displayname emailtyp"
)
_known(
	LEAVE_OUT,
	"email2typ email3typ emailangezeigtername email2angezeigtername email3angezeigtername initials initialen",
)
_known(
	LEAVE_OUT,
	"priority priorität private privat sensitivity vertraulichkeit directoryserver verzeichnisserver",
)
_known(
	LEAVE_OUT,
	"internetfreebusy internetfreigebucht photo leid euid adressattyp adressart iban bic swiftcode kontoinhaber",
)
_LEFT_OUT = re.compile(
	r"(iban|bic|swiftcode|bankleitzahl|bankkontonummer|swiftcode|kontonr|leerfeld|kennzhauptbankverb\w*)\d+"
)

#: numbered columns of Google Contacts and of others
_NUMBERED = (
	(re.compile(r"e-?mail \d+ - value"), "further_emails"),
	(re.compile(r"phone \d+ - value"), "further_phones"),
	(re.compile(r"website \d+ - value"), "further_websites"),
	(re.compile(r"(e-?mail|phone|website) \d+ - (type|label)"), LABEL),
	(re.compile(r"address \d+ - formatted"), "formatted"),
	(re.compile(r"address \d+ - (type|label)"), LEAVE_OUT),
	(re.compile(r"(e-?mail|email)[ _-]?(adresse|address)?[ _-]?[2-9]"), "further_emails"),
)


#: words of opt-outs in a heading that no list contains
_OPT_OUT = re.compile(
	r"opt(ed)?[ _-]?out|unsubscri|abgemeldet|abbestellt|werbesperre|widerspr(uch|ochen)|do[ _-]?not[ _-]?(e-?mail|call|contact|mail)"
	r"|nicht (anrufen|anschreiben|kontaktieren|mailen)|keine (werbung|e-?mails?|anrufe|briefe|post|newsletter)"
)
_OTHER_WAYS = re.compile(
	r"fax|sms|whatsapp|push|reason|grund|title|titel|campaign|kampagne|count|anzahl|url|link|\bid\b|_id\b"
)


def _opt_out(heading: str) -> str:
	"""Return the target for `Opted out of email: Marketing Information` by its channel; empty if it is not an
	opt-out.
	"""
	text = heading[:200].casefold()
	if not _OPT_OUT.search(text) or _OTHER_WAYS.search(text):
		return ""
	if re.search(r"\b(date|time|datum|am|seit|at|on)\b|_(date|time|at)$", text):
		return "optout_on"
	if re.search(r"e-?mail|newsletter|unsubscri|mailing", text.replace("do not mail", "")):
		return "optout_email"
	if re.search(r"call|phone|anruf|telefon", text):
		return "optout_phone"
	if re.search(r"\bmail|post|brief|letter|anschreiben", text):
		return "optout_letter"
	return "optout_all" if re.search(r"contact|werb|kontakt|widerspr|marketing", text) else "optout_email"


def heading_key(text: str) -> str:
	"""Return the form in which headings are compared, without case, blanks and punctuation: `E-Mail 2
	Address` → `email2address`.
	"""
	return re.sub(r"[\W_]+", "", text[:200].casefold())


def guess_columns(heading: Sequence[str], labels: Mapping[str, str]) -> list[str]:
	"""Return for each heading the target that is meant, or an empty string. A field is used once.

	:param labels: label or field name → field
	"""
	keys = [heading_key(text) for text in heading]
	known = {heading_key(label): name for label, name in labels.items()}
	known.update(_in_context(frozenset(keys)))
	taken: set[str] = set()
	result = []
	for text, key in zip(heading, keys, strict=True):
		name = known.get(key) or _SYNONYMS.get(key, "") or _numbered(text, key, keys)
		if name in taken and name not in REPEATED:
			name = _again(name)
		taken.add(name)
		result.append(name)
	return result


def _again(name: str) -> str:
	"""Return the target of a second column with the same meaning."""
	if name == LEAVE_OUT:
		return name
	if name == "address_line":
		return STREET_2
	return next((further for further, kind in FURTHER.items() if MAIN_FIELDS.get(kind) == name), "")


def _numbered(text: str, key: str, keys: Sequence[str]) -> str:
	bare = text[:200].strip().casefold()
	if _LEFT_OUT.fullmatch(key):
		return LEAVE_OUT
	if target := _opt_out(text):
		return target
	for pattern, target in _NUMBERED:
		if pattern.fullmatch(bare):
			if target == "formatted":
				number = re.sub(r"\D", "", key)
				return LEAVE_OUT if f"address{number}street" in keys else "further_addresses"
			return target
	return ""


def _in_context(keys: frozenset[str]) -> dict[str, str]:
	"""Map headings that mean something else in another program's file."""
	found = {}
	if "title" in keys:
		# Outlook's title is before the name, Salesforce's is the job
		outlook = bool(keys & {"suffix", "middlename", "assistantsphone", "givenyomi"}) and "jobtitle" in keys
		found["title"] = "salutation" if outlook else "designation"
	if "geburtsjahr" in keys and "geburtsmonat" in keys:
		found["geburtstag"] = "birth_day"
	if "birthyear" in keys and "birthmonth" in keys:
		found["birthday"] = "birth_day"
	if "beruf" in keys and "position" in keys:
		found["beruf"] = ""
	if keys & {"ortgeschäftlich", "businesscity"}:
		# Outlook: where an appointment takes place
		found |= dict.fromkeys(keys & {"ort", "location"}, "")
	if {"name", "vorname"} <= keys and not keys & {"nachname", "familienname", "lastname"}:
		found["name"] = "last_name"
	if {"name", "firstname"} <= keys and not keys & {"lastname", "surname", "familyname"}:
		found["name"] = "last_name"
	return found


def label_of(heading: str) -> str:
	"""Return the label of a column's contact points: `Telefon (privat)` → home, `Business Fax` → work."""
	text = heading[:200].casefold()
	if re.search(r"\b(home|privat|private|personal)", text):
		return "home"
	return "work" if re.search(r"\b(business|work|geschäftlich|dienstlich)", text) else ""

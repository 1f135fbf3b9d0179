"""Which column of a file is what: guessed from its header, in four languages and by the names that common systems use."""

import enum
import re
import unicodedata
from collections.abc import Mapping, Sequence

from app.core.errors import N_


class Field(enum.StrEnum):
    """What a column can hold. The values are the headers of our own files, and part of the API."""

    EMAIL = "email"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FULL_NAME = "full_name"
    PHONE = "phone"
    BIRTH_DATE = "birth_date"
    LANGUAGE = "language"
    POINTS = "points"
    STAMPS = "stamps"
    CARD_NUMBER = "card_number"
    STORE = "store"
    MARKETING = "marketing"
    MARKETING_AT = "marketing_at"
    ENROLLED_AT = "enrolled_at"
    LAST_VISIT_AT = "last_visit_at"


LABELS: Mapping[Field, str] = {
    Field.EMAIL: N_("E-mail address"),
    Field.FIRST_NAME: N_("First name"),
    Field.LAST_NAME: N_("Last name"),
    Field.FULL_NAME: N_("First and last name"),
    Field.PHONE: N_("Phone number"),
    Field.BIRTH_DATE: N_("Birthday"),
    Field.LANGUAGE: N_("Language"),
    Field.POINTS: N_("Points"),
    Field.STAMPS: N_("Stamps"),
    Field.CARD_NUMBER: N_("Card number"),
    Field.STORE: N_("Store"),
    Field.MARKETING: N_("Wants marketing mails"),
    Field.MARKETING_AT: N_("Date of that consent"),
    Field.ENROLLED_AT: N_("Member since"),
    Field.LAST_VISIT_AT: N_("Last visit"),
}

# Words as `_folded` leaves them: small letters and digits only. English with the names of Shopify, Square, Lightspeed, Loyverse, Mailchimp,
# Odoo, Zettle, SumUp; then French, German, Luxembourgish.
_NAMES: Mapping[Field, str] = {
    Field.EMAIL: """email emailaddress mail emailaddr customeremail contactemail adressemail adresseemail courriel mel adresseelectronique
        emailadresse mailadresse emailadress mailadress""",
    Field.FIRST_NAME: """firstname givenname forename fname customerfirstname prenom vorname rufname virnumm""",
    Field.LAST_NAME: """lastname surname familyname lname customerlastname nom nomdefamille nachname familienname familljennumm nonumm""",
    Field.FULL_NAME: """name fullname customername customer displayname contactname client nomcomplet nometprenom prenometnom nomprenom
        kunde kundenname vollstandigername numm clientnumm""",
    Field.PHONE: """phone phonenumber telephone mobile mobilephone mobilenumber cell cellphone tel customerphone defaultaddressphone
        telephonemobile numerodetelephone numtel portable gsm telefon telefonnummer handy handynummer mobil mobiltelefon mobilnummer
        telefonsnummer""",
    Field.BIRTH_DATE: """birthdate birthday dateofbirth dob bday datedenaissance anniversaire naissance geburtsdatum geburtstag
        gebuertsdatum gebuertsdag""",
    Field.LANGUAGE: "language lang locale preferredlanguage customerlanguage langue langues sprache sprooch",
    Field.POINTS: """points pointsbalance loyaltypoints loyaltybalance balance pointbalance currentpoints availablepoints rewardpoints
        loyaltypointsbalance pointsfidelite solde soldepoints soldedepoints nombredepoints punkte punktestand punkteguthaben treuepunkte
        guthaben punkten punktestand treiepunkten""",
    Field.STAMPS: """stamps stampcount stampbalance visitsonthecard punches punchcount tampons nombredetampons soldetampons stempel
        stempelanzahl stempelstand""",
    Field.CARD_NUMBER: """cardnumber card cardno cardid loyaltycard loyaltycardnumber membershipnumber memberid membernumber customercode
        customernumber customerid referenceid barcode numerodecarte ncarte numcarte nocarte carte cartedefidelite numerodeclient
        numeroclient codeclient codebarres kartennummer karte treuekarte kundennummer kundennr mitgliedsnummer
        kaartnummer kaart kaartennummer clientsnummer""",
    Field.STORE: """store storecode storename location locationname shop branch outlet enrolledstore homestore magasin boutique
        codemagasin pointdevente etablissement filiale geschaft laden standort filialcode geschaeft""",
    Field.MARKETING: """marketing acceptsmarketing acceptsemailmarketing emailmarketing marketingconsent optin emailoptin newsletter
        subscribed emailsubscriptionstatus marketingallowed consentement consentementmarketing accordmarketing abonne abonnenewsletter
        einwilligung werbeeinwilligung werbung marketingeinwilligung newsletterabonnent awellegung reklamm""",
    Field.MARKETING_AT: """marketingat consentdate optindate marketingconsentdate optintime consentat dateconsentement
        dateduconsentement datumeinwilligung einwilligungsdatum einwilligungam datumawellegung""",
    Field.ENROLLED_AT: """enrolledat membersince joindate joined signupdate createdat datecreated created registrationdate firstvisit
        customersince datedinscription dateinscription dateadhesion adherentdepuis clientdepuis datecreation creele mitgliedseit
        beitrittsdatum anmeldedatum registriertam kundeseit erstelltam memberzanter umeldungsdatum""",
    Field.LAST_VISIT_AT: """lastvisitat lastvisit lastvisitdate lastactivity lastpurchase lastorder lastorderdate lastseen lasttransaction
        dernierevisite datedernierevisite dernierachat dernierecommande letzterbesuch letztereinkauf letzteaktivitat letztebestellung
        leschtvisitt leschtevisite leschtbesuch leschtakaf""",
}
_FIELD_OF: Mapping[str, Field] = {name: field for field, names in _NAMES.items() for name in names.split()}


def _folded(header: str) -> str:
    plain = unicodedata.normalize("NFKD", header.casefold())
    return re.sub(r"[^a-z0-9]", "", plain)


def guess_columns(header: Sequence[str]) -> dict[Field, int]:
    """Return the column (from 0) of each field that the header names; of two columns of one name, the first.

    First and last name, where both are there, leave no use for a column that may hold both.
    """
    found: dict[Field, int] = {}
    for position, name in enumerate(header):
        field = _FIELD_OF.get(_folded(name))
        if field is not None:
            found.setdefault(field, position)
    if Field.FIRST_NAME in found and Field.LAST_NAME in found:
        found.pop(Field.FULL_NAME, None)
    if Field.LAST_NAME in found and Field.FIRST_NAME not in found and Field.FULL_NAME not in found:
        found[Field.FULL_NAME] = found.pop(Field.LAST_NAME)  # a lone column «Nom» holds whole names
    return found


def columns_problem(columns: Mapping[Field, int], width: int) -> str | None:
    """Return a sentence (msgid) saying why these columns of a file that has `width` cannot be imported, or None."""
    if any(not 0 <= position < width for position in columns.values()):
        return N_("A chosen column is not in the file.")
    if len(set(columns.values())) < len(columns):
        return N_("A column can be used only once.")
    if Field.EMAIL not in columns:
        return N_("Please choose the column with the e-mail addresses: people are recognised by it.")
    if not {Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME} & columns.keys():
        return N_("Please choose the column with the names.")
    return None

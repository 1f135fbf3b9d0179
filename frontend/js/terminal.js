/** On the terminal: camera and barcode scanner. */
import { installWedge } from "./lib/wedge.js";
import "./components/scanner.js";

/** A card's number (twelve digits) or the content of its QR code, also as an address: see loyalty's domain/card_number.py. */
const CARD_CODES = /^(?:[1-9]\d{11}|(?:https?:\/\/\S+\/)?OL1[0-9A-HJKMNP-TV-Z]{32})$/i;

installWedge(document, { codes: CARD_CODES });

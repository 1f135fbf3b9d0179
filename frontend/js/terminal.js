/** On the terminal: camera and barcode scanner. */
import { installWedge } from "./lib/wedge.js";
import "./components/scanner.js";

const TOKEN = /^(?:https?:\/\/\S+\/)?OL1[0-9A-HJKMNP-TV-Z]{32}$/i;
const NUMBER = /^[1-9]\d{11}$/;

/** Whether `text` is the content of a card's QR code or a card number with right check digits (loyalty's domain/card_number.py). */
const isCardCode = (text) => TOKEN.test(text) || (NUMBER.test(text) && Number(text) % 97 === 1);

installWedge(document, { isCode: isCardCode });

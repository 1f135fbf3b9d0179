/** On the terminal: camera and barcode scanner. */
import { installWedge } from "./lib/wedge.js";
import "./components/scanner.js";

installWedge();

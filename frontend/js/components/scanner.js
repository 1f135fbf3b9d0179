/** x-data="scanner": reads QR codes from the device's camera; emits `scan` {text} and stops. */
import jsQR from "jsqr";
import { component, _ } from "../kit.js";

const LOOKS_PER_SECOND = 10;
const MAX_SIDE = 640; // enough for a code on a phone held at arm's length; more only costs time

function reason(error) {
  if (error.name === "NotAllowedError") return _("The camera is blocked for this page. Allow it in the browser's settings, or type the number.");
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return _("This device has no camera. Type the number, or use a scanner.");
  if (error.name === "NotReadableError") return _("Another program uses the camera. Close it and try again.");
  return _("The camera did not start. Try again, or type the number.");
}

component("scanner", () => ({
  state: "idle",
  problem: "",

  get isIdle() { return this.state === "idle"; },
  get isStarting() { return this.state === "starting"; },
  get isRunning() { return this.state === "running"; },
  get hasFailed() { return this.state === "failed"; },

  init() {
    this.canvas = document.createElement("canvas");
    this.onHide = () => { if (document.hidden) this.stop(); };
    document.addEventListener("visibilitychange", this.onHide);
  },

  destroy() {
    this.stop();
    document.removeEventListener("visibilitychange", this.onHide);
  },

  async start() {
    if (this.state === "starting" || this.state === "running") return;
    this.state = "starting";
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "NotFoundError");
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } },
      });
      if (this.state !== "starting") return this.release();
      const { video } = this.$refs;
      video.srcObject = this.stream;
      await video.play();
      this.state = "running";
      this.look();
    } catch (error) {
      this.release();
      this.problem = reason(error);
      this.state = "failed";
    }
  },

  stop() {
    if (this.state === "running" || this.state === "starting") this.state = "idle";
    this.release();
  },

  release() {
    clearTimeout(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    if (this.$refs.video) this.$refs.video.srcObject = null;
  },

  look() {
    if (this.state !== "running") return;
    const text = this.read();
    if (text) {
      this.stop();
      this.$dispatch("scan", { text });
      return;
    }
    this.timer = setTimeout(() => this.look(), 1000 / LOOKS_PER_SECOND);
  },

  read() {
    const { video } = this.$refs;
    if (!video.videoWidth) return "";
    const scale = Math.min(1, MAX_SIDE / Math.max(video.videoWidth, video.videoHeight));
    const [width, height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
    Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0, width, height);
    return jsQR(context.getImageData(0, 0, width, height).data, width, height)?.data ?? "";
  },
}));

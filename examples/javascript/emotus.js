// @ts-check
/**
 * Hear emotus from JavaScript: one file without dependencies, for browsers and for Node 18 or newer.
 *
 *     import { connect } from "./emotus.js";
 *     const show = connect("ws://127.0.0.1:8765", { types: ["emotion", "pose"], format: "msgpack" });
 *     show.on("emotion", (event) => console.log(event.stream, event.label, event.confidence));
 *     show.on("missed", (gap) => console.log("missed while away:", gap.missed));
 *
 * It connects again by itself, resumes where it was, and counts what it missed. What it hears is apparent expression,
 * inferred from movement; it does not tell what a person feels.
 */

/**
 * @typedef {{v: 1, stream: string, seq: number, t_ns: number}} Common
 *   `t_ns`: monotonic nanoseconds of the machine that runs emotus; exact up to 104 days after it was switched on.
 * @typedef {{inferred: true, kind: string, model: string, sha256: string, notice?: string, schema?: string}} Disclosure
 * @typedef {Common & {type: "emotion", label: string, probs: Record<string, number>, valence: number, arousal: number,
 *   confidence: number, abstain: boolean, latency_ms: number, disclosure: Disclosure, joints?: Float32Array}} EmotionEvent
 * @typedef {Common & {type: "qualities"} & Record<string, number>} QualitiesEvent
 * @typedef {Common & {type: "signature", distances: Record<string, number>, nearest: string, label: string,
 *   cluster: number, xy: [number, number], drift: number, confidence: number, effective: number, window_s: number,
 *   windows: Record<string, Record<string, number>>}} SignatureEvent
 * @typedef {Common & {type: "pose", joints: Float32Array, confidence: Float32Array, interpolated?: true}} PoseEvent
 *   `joints`: 21 x (x, y, z) in metres, in the order of `hello.body.joints`.
 * @typedef {Common & {type: "motion", joints: Float32Array, confidence: Float32Array, rotations: Float32Array,
 *   root: Float32Array, emotion: string, intensity: number, valence: number, arousal: number, synthetic: true,
 *   seed: number, model: string, sha256: string}} MotionEvent
 *   `rotations`: 21 x (w, x, y, z), local.
 * @typedef {Common & {type: "status", level: "info" | "warning" | "error", code: string, message: string,
 *   counters: Record<string, number>}} StatusEvent
 * @typedef {EmotionEvent | QualitiesEvent | SignatureEvent | PoseEvent | MotionEvent | StatusEvent} Event
 * @typedef {{v: 1, type: "hello", name: string, notice: string, labels: string[], types: string[],
 *   rates: Record<string, number>, body: {joints: string[], parents: number[]}, frame: string, session: string,
 *   control: string[]}} Hello
 * @typedef {{known: boolean, exact: boolean, missed: Record<string, Record<string, number>>, replayed: number}} Gap
 *   `missed`: events by stream and type that there were while the connection was lost; `replayed`: statuses that come
 *   again now; `known` false: emotus was started anew meanwhile.
 * @typedef {{open: Hello, missed: Gap, close: {code: number, reason: string, retryMs: number | null}, problem: Error,
 *   event: Event, emotion: EmotionEvent, qualities: QualitiesEvent, signature: SignatureEvent, pose: PoseEvent,
 *   motion: MotionEvent, status: StatusEvent}} Happenings
 * @typedef {object} Options
 * @property {string[]} [streams] performers to hear; all when left out
 * @property {Event["type"][]} [types] types of event to hear; all when left out
 * @property {"json" | "msgpack"} [format] JSON unless told otherwise
 * @property {"float32" | "mm"} [precision] "mm": poses in whole millimetres, a third of JSON's bytes; with msgpack only
 * @property {number} [maxHz] at most so many a second of each stream and type
 * @property {string} [token] what an exposed emotus asks for
 * @property {number} [quietMs] after so long without a word the connection is tried, and then made anew; 5000
 * @property {new (url: string) => any} [WebSocket] a WebSocket class, where the machine's own will not do
 */

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;
const MAX_STREAMS = 64;
const MAX_WAITING = 256;
const ANSWERS = new Set(["subscribed", "resumed", "accepted", "error"]);
/** @type {Record<string, number>} */
const ARRAYS = { joints: 1, confidence: 1, rotations: 1, root: 1 };
/** @type {Record<string, [string, number, "i2" | "u1"]>} */
const SMALL = {
  joints_mm: ["joints", 1000, "i2"],
  root_mm: ["root", 1000, "i2"],
  rotations_32767: ["rotations", 32767, "i2"],
  confidence_255: ["confidence", 255, "u1"],
};

/**
 * Connect to emotus, again and again until `close`.
 * @param {string} url such as ws://127.0.0.1:8765
 * @param {Options} [options]
 */
export function connect(url, options = {}) {
  return new Emotus(url, options);
}

/** One connection to emotus, made anew whenever it is lost. */
export class Emotus {
  /** @param {string} url @param {Options} [options] */
  constructor(url, options = {}) {
    const address = new URL(url);
    if (options.token) address.searchParams.set("token", options.token);
    this.url = address.href;
    this.options = options;
    /** @type {Hello | null} what emotus said of itself last */
    this.hello = null;
    this.isOpen = false;
    /** heard: events. missed: those while away. skipped: those dropped because this program was slow. */
    this.counts = { heard: 0, missed: 0, skipped: 0, connections: 0, problems: 0 };
    /** @type {Map<string, Set<(value: any) => void>>} */
    this._listeners = new Map();
    /** @type {Map<string, Record<string, number>>} */
    this._seen = new Map();
    /** @type {({resolve: (value: any) => void, reject: (error: Error) => void} | null)[]} */
    this._pending = [];
    this._session = "";
    this._retryMs = FIRST_RETRY_MS;
    this._isOver = false;
    this._heardAt = 0;
    this._isProbing = false;
    /** @type {any} */
    this._socket = null;
    /** @type {any} */
    this._timer = null;
    /** @type {any} */
    this._watch = null;
    this._open();
  }

  /**
   * Call a function for each event of a type, or for "event" (all), "open", "missed", "close" and "problem".
   * @template {keyof Happenings} K
   * @param {K} kind
   * @param {(value: Happenings[K]) => void} listener
   * @returns {() => void} ends it
   */
  on(kind, listener) {
    const listeners = this._listeners.get(kind) ?? new Set();
    this._listeners.set(kind, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * Tell the show something, such as control("teach", {label: "proud"}); `hello.control` lists the words.
   * @param {string} command
   * @param {Record<string, unknown>} [args]
   * @returns {Promise<void>} fulfilled when it was accepted
   */
  control(command, args = {}) {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) reject(new Error("not connected"));
      else this._say({ type: "control", command, ...args }, { resolve, reject });
    });
  }

  /** End the connection for good. */
  close() {
    if (this._isOver) return;
    this._isOver = true;
    clearTimeout(this._timer);
    clearInterval(this._watch);
    this._socket?.close();
    this._drop(1000, "closed here");
  }

  /**
   * Hear events in a loop: of each stream and type the newest waits, statuses all (up to 256), however slow the loop is.
   * @returns {AsyncGenerator<Event, void, void>}
   */
  async *[Symbol.asyncIterator]() {
    /** @type {Map<string, Event>} */
    const waiting = new Map();
    let wake = () => {};
    let number = 0;
    const ends = [
      this.on("event", (event) => {
        const key = `${event.stream}\n${event.type}${event.type === "status" ? `\n${number++}` : ""}`;
        if (waiting.delete(key) || waiting.size >= MAX_WAITING) this.counts.skipped++;
        if (waiting.size >= MAX_WAITING) waiting.delete(/** @type {string} */ (waiting.keys().next().value));
        waiting.set(key, event);
        wake();
      }),
      this.on("close", () => wake()),
    ];
    try {
      for (;;) {
        for (const [key, event] of waiting) {
          waiting.delete(key);
          yield event;
        }
        if (this._isOver && !waiting.size) return;
        if (!waiting.size) await new Promise((resolve) => (wake = () => resolve(undefined)));
      }
    } finally {
      for (const end of ends) end();
    }
  }

  async _open() {
    try {
      const Socket = this.options.WebSocket ?? globalThis.WebSocket ?? (await nodeSocket());
      if (this._isOver) return;
      const socket = new Socket(this.url);
      this._socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onmessage = (/** @type {any} */ message) => this._socket === socket && this._hear(message.data);
      socket.onclose = (/** @type {any} */ told) => this._socket === socket && this._drop(told.code, told.reason);
      socket.onerror = () => {}; // a close follows, and says more
      this._heardAt = Date.now();
      clearInterval(this._watch);
      this._watch = setInterval(() => this._look(), (this.options.quietMs ?? 5000) / 4);
    } catch (error) {
      this._tell("problem", error);
      this._drop(1006, String(error));
    }
  }

  /** Notice a connection that is dead though nobody said so: a network that went away says nothing. */
  _look() {
    const quietMs = Date.now() - this._heardAt;
    const limitMs = this.options.quietMs ?? 5000;
    if (quietMs > 2 * limitMs) {
      const socket = this._socket;
      this._drop(1006, "nothing was heard");
      socket?.close();
    } else if (quietMs > limitMs && this.isOpen && !this._isProbing) {
      this._isProbing = true;
      this._say({ type: "subscribe", ...this._asked() }, null); // it is answered, and changes nothing
    }
  }

  /** @param {number} code @param {string} reason */
  _drop(code, reason) {
    this._socket = null;
    this.isOpen = this._isProbing = false;
    clearInterval(this._watch);
    for (const waiting of this._pending.splice(0)) waiting?.reject(new Error("the connection was lost"));
    const retryMs = this._isOver ? null : Math.round(this._retryMs * (0.5 + Math.random()));
    this._tell("close", { code, reason, retryMs });
    if (retryMs === null || this._isOver) return; // a listener may have closed it just now
    this._retryMs = Math.min(2 * this._retryMs, LONGEST_RETRY_MS);
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._open(), retryMs);
  }

  _asked() {
    const { streams = null, types = null, format = "json", maxHz = null, precision = "float32" } = this.options;
    return { streams, types, format, max_hz: maxHz, precision };
  }

  /** @param {object} message @param {{resolve: (value: any) => void, reject: (error: Error) => void} | null} waiting */
  _say(message, waiting) {
    this._pending.push(waiting);
    this._socket.send(JSON.stringify(message));
  }

  /** @param {string | ArrayBuffer} data */
  _hear(data) {
    this._heardAt = Date.now();
    let message;
    try {
      message = typeof data === "string" ? JSON.parse(data) : decode(new Uint8Array(data));
      if (message.type === "hello") return this._greet(message);
      if (ANSWERS.has(message.type)) return this._answer(message);
      unpack(message);
    } catch (error) {
      this.counts.problems++;
      return this._tell("problem", error);
    }
    this._note(message);
    this._tell(message.type, message);
    this._tell("event", message);
  }

  /** @param {Hello} hello */
  _greet(hello) {
    const session = this._session;
    this.hello = hello;
    this._session = hello.session;
    this.isOpen = true;
    this.counts.connections++;
    const seen = Object.fromEntries(this._seen);
    const anew = () => this._say({ type: "subscribe", ...this._asked() }, null);
    const waiting = { resolve: () => {}, reject: () => this.isOpen && anew() };
    if (session) this._say({ type: "resume", session, seen, ...this._asked() }, waiting);
    else anew();
    this._tell("open", hello);
  }

  /** @param {any} message */
  _answer(message) {
    const waiting = this._pending.shift();
    this._isProbing = false;
    if (message.type !== "error") this._retryMs = FIRST_RETRY_MS;
    if (message.type === "resumed") {
      for (const kinds of Object.values(message.missed)) {
        for (const count of Object.values(kinds)) this.counts.missed += Number(count);
      }
      if (!message.known) this._seen.clear();
      this._tell("missed", message);
    } else if (message.type === "error") {
      const error = new Error(message.message);
      if (waiting) waiting.reject(error);
      else this._tell("problem", error);
    } else waiting?.resolve(undefined);
  }

  /** @param {Event} event */
  _note(event) {
    this.counts.heard++;
    let kinds = this._seen.get(event.stream);
    if (!kinds) {
      if (this._seen.size >= MAX_STREAMS) this._seen.delete(/** @type {string} */ (this._seen.keys().next().value));
      this._seen.set(event.stream, (kinds = {}));
    }
    kinds[event.type] = event.seq;
  }

  /** @param {string} kind @param {unknown} value */
  _tell(kind, value) {
    for (const listener of this._listeners.get(kind) ?? []) {
      try {
        listener(value);
      } catch (error) {
        console.error(error); // a listener that breaks costs no other its event
      }
    }
  }
}

/**
 * Turn the arrays of an event into Float32Array, in metres and shares, whichever way they came.
 * @param {any} event
 */
function unpack(event) {
  for (const name of Object.keys(event)) {
    const value = event[name];
    if (name in SMALL && value instanceof Uint8Array) {
      const [plain, units, kind] = SMALL[name];
      event[plain] = whole(value, kind).map((each) => each / units);
      delete event[name];
    } else if (value instanceof Uint8Array) {
      if (value.length % 4) throw new Error(`${name} has ${value.length} bytes: no float32`);
      const view = new DataView(value.buffer, value.byteOffset, value.length);
      event[name] = Float32Array.from({ length: value.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
    } else if (name in ARRAYS && Array.isArray(value)) event[name] = Float32Array.from(value.flat());
  }
}

/** @param {Uint8Array} bytes @param {"i2" | "u1"} kind */
function whole(bytes, kind) {
  if (kind === "u1") return Float32Array.from(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float32Array.from({ length: bytes.length >> 1 }, (_, i) => view.getInt16(2 * i, true));
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Decode one MessagePack value: all of it but extensions, which emotus does not send; integers become numbers.
 * @param {Uint8Array} bytes
 * @returns {any}
 */
export function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  /** @param {number} size */
  const skip = (size) => {
    if (at + size > bytes.length) throw new Error("MessagePack ends too soon");
    at += size;
    return at - size;
  };
  /** @param {number} size */
  const take = (size) => bytes.subarray(skip(size), at);
  /** @param {number} size @param {number} depth */
  const array = (size, depth) => {
    if (size > bytes.length - at) throw new Error("MessagePack ends too soon");
    return Array.from({ length: size }, () => value(depth));
  };
  /** @param {number} size @param {number} depth */
  const map = (size, depth) => {
    if (2 * size > bytes.length - at) throw new Error("MessagePack ends too soon");
    /** @type {Record<string, any>} */
    const out = {};
    for (let i = 0; i < size; i++) {
      const key = String(value(depth));
      Object.defineProperty(out, key, { value: value(depth), enumerable: true, writable: true, configurable: true });
    }
    return out;
  };
  /** @param {number} depth @returns {any} */
  const value = (depth) => {
    if (depth > 16) throw new Error("MessagePack is too deep");
    const tag = view.getUint8(skip(1));
    if (tag < 0x80) return tag;
    if (tag < 0x90) return map(tag & 15, depth + 1);
    if (tag < 0xa0) return array(tag & 15, depth + 1);
    if (tag < 0xc0) return UTF8.decode(take(tag & 31));
    if (tag >= 0xe0) return tag - 256;
    switch (tag) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return take(view.getUint8(skip(1)));
      case 0xc5: return take(view.getUint16(skip(2)));
      case 0xc6: return take(view.getUint32(skip(4)));
      case 0xca: return view.getFloat32(skip(4));
      case 0xcb: return view.getFloat64(skip(8));
      case 0xcc: return view.getUint8(skip(1));
      case 0xcd: return view.getUint16(skip(2));
      case 0xce: return view.getUint32(skip(4));
      case 0xcf: return Number(view.getBigUint64(skip(8)));
      case 0xd0: return view.getInt8(skip(1));
      case 0xd1: return view.getInt16(skip(2));
      case 0xd2: return view.getInt32(skip(4));
      case 0xd3: return Number(view.getBigInt64(skip(8)));
      case 0xd9: return UTF8.decode(take(view.getUint8(skip(1))));
      case 0xda: return UTF8.decode(take(view.getUint16(skip(2))));
      case 0xdb: return UTF8.decode(take(view.getUint32(skip(4))));
      case 0xdc: return array(view.getUint16(skip(2)), depth + 1);
      case 0xdd: return array(view.getUint32(skip(4)), depth + 1);
      case 0xde: return map(view.getUint16(skip(2)), depth + 1);
      case 0xdf: return map(view.getUint32(skip(4)), depth + 1);
      default: throw new Error(`MessagePack type 0x${tag.toString(16)} is not one of ours`);
    }
  };
  const out = value(0);
  if (at !== bytes.length) throw new Error("something follows the MessagePack");
  return out;
}

/**
 * Return a WebSocket for a Node that has none of its own (before 22): a client's half of RFC 6455 on node:http.
 * @returns {Promise<new (url: string) => any>}
 */
async function nodeSocket() {
  /** @param {string} name @returns {Promise<any>} */
  const load = (name) => import(/* webpackIgnore: true */ /* @vite-ignore */ name);
  const [http, https, crypto] = await Promise.all(["node:http", "node:https", "node:crypto"].map(load));
  const MAX_BYTES = 16 * 1024 * 1024;

  return class NodeSocket {
    /** @param {string} url */
    constructor(url) {
      this.onmessage = this.onclose = this.onerror = (/** @type {any} */ _) => {};
      this.binaryType = "arraybuffer";
      /** @type {Buffer} */
      this._rest = Buffer.alloc(0);
      /** @type {Buffer[]} */
      this._parts = [];
      this._opcode = 0;
      this._isDone = false;
      /** @type {any} */
      this._stream = null;
      const key = crypto.randomBytes(16).toString("base64");
      const headers = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13" };
      const { get } = url.startsWith("wss:") ? https : http;
      this._request = get(url.replace(/^ws/, "http"), { headers, timeout: 10000 });
      this._request.on("timeout", () => this._request.destroy(new Error("no answer within 10 s")));
      this._request.on("error", (/** @type {Error} */ error) => this._end(1006, error.message));
      this._request.on("response", (/** @type {any} */ answer) => {
        answer.resume();
        this._end(1006, `refused: ${answer.statusCode} ${answer.statusMessage}`);
      });
      this._request.on("upgrade", (/** @type {any} */ answer, /** @type {any} */ stream, /** @type {Buffer} */ head) => {
        const proof = crypto.createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
        if (answer.headers["sec-websocket-accept"] !== proof) return stream.destroy();
        this._stream = stream;
        stream.setNoDelay(true);
        stream.setTimeout(0);
        stream.on("data", (/** @type {Buffer} */ data) => this._read(data));
        stream.on("error", () => {});
        stream.on("close", () => this._end(1006, "the connection was lost"));
        this._read(head);
      });
    }

    /** @param {string} text */
    send(text) {
      this._write(1, Buffer.from(text));
    }

    close() {
      if (this._stream) {
        this._write(8, Buffer.from([3, 232]));
        this._stream.end();
        setTimeout(() => this._stream.destroy(), 1000).unref();
      } else this._request.destroy();
    }

    /** @param {number} opcode @param {Buffer} payload */
    _write(opcode, payload) {
      if (!this._stream?.writable) return;
      const size = payload.length;
      const long = size < 126 ? 0 : 2;
      const head = Buffer.alloc(6 + long);
      head[0] = 0x80 | opcode;
      head[1] = 0x80 | (long ? 126 : size);
      if (long) head.writeUInt16BE(size, 2);
      const mask = crypto.randomBytes(4);
      mask.copy(head, 2 + long);
      this._stream.write(Buffer.concat([head, payload.map((byte, i) => byte ^ mask[i & 3])]));
    }

    /** @param {Buffer} data */
    _read(data) {
      this._rest = this._rest.length ? Buffer.concat([this._rest, data]) : data;
      while (!this._isDone && this._rest.length >= 2) {
        const short = this._rest[1] & 127;
        const start = short < 126 ? 2 : short === 126 ? 4 : 10;
        if (this._rest.length < start) return;
        const size =
          short < 126 ? short : short === 126 ? this._rest.readUInt16BE(2) : Number(this._rest.readBigUInt64BE(2));
        if (size > MAX_BYTES) return this._stream.destroy();
        if (this._rest.length < start + size) return;
        const head = this._rest[0];
        const payload = this._rest.subarray(start, start + size);
        this._rest = this._rest.subarray(start + size);
        this._take(head & 15, payload, (head & 0x80) !== 0);
      }
    }

    /** @param {number} opcode @param {Buffer} payload @param {boolean} isLast */
    _take(opcode, payload, isLast) {
      if (opcode === 9) this._write(10, payload);
      else if (opcode === 8) {
        const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
        this._write(8, payload.subarray(0, 2));
        this._stream.end();
        this._end(code, payload.toString("utf8", 2));
      } else if (opcode < 3) {
        this._opcode = opcode || this._opcode;
        this._parts.push(payload);
        if (!isLast) return;
        const whole = Buffer.concat(this._parts.splice(0));
        const bytes = whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.length);
        this.onmessage({ data: this._opcode === 1 ? whole.toString() : bytes });
      }
    }

    /** @param {number} code @param {string} reason */
    _end(code, reason) {
      if (this._isDone) return;
      this._isDone = true;
      this.onclose({ code, reason });
    }
  };
}

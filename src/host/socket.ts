/**
 * The host's unix socket: commands come in, the doorbell goes out. Several may be connected; the newest one that greeted
 * commands. Nothing here waits for a slow reader: a bell that finds no room is left out, since the next one says more.
 */
import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { FromHost, HostHello, ToHost } from '../core/host-wire.ts';
import { removeFile } from '../system/disk.ts';
import { BadFrame, type Command, createFrameSplitter, parseFrame } from './frames.ts';

/** Unsent bytes beyond which a reader gets no more bells and beats. */
const SLOW_READER = 64 * 1024;
/** Connections at most; one more is closed. */
const CONNECTIONS_LIMIT = 16;

export type TypedInput = Extract<ToHost, { type: 'typed' }>['input'];

/** How a command is answered at once; its result comes through the journal. */
export interface Reply {
  ack(): void;
  refused(code: string, message: string): void;
}

export interface SocketEvents {
  hello(): HostHello;
  command(command: Command, reply: Reply): void;
  /** Relayed by a `view` of this host. */
  typed(input: TypedInput): void;
  /** A supervisor has greeted, or the one that commands is gone. */
  supervised(present: boolean): void;
}

type Role = 'stranger' | 'supervisor' | 'watcher';

export class HostSocket {
  readonly #on: SocketEvents;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Role>();
  #commander: Socket | null = null;
  #ringing: { epoch: number; n: number } | null = null;

  constructor(on: SocketEvents) {
    this.#on = on;
    this.#server = createServer((socket) => this.#connected(socket));
  }

  /** Listens at `path`, mode 0600. A socket file there is stale: the caller has the agent's lock. Rejects when it cannot. */
  listen(path: string): Promise<void> {
    removeFile(path);
    return new Promise((done, fail) => {
      this.#server.once('error', fail);
      this.#server.listen(path, () => {
        chmodSync(path, 0o600);
        this.#server.off('error', fail);
        done();
      });
    });
  }

  /** There are new records. Several calls in one go ring once. */
  bell(epoch: number, n: number): void {
    if (!this.#ringing) setImmediate(() => this.#ring());
    this.#ringing = { epoch, n };
  }

  beat(epoch: number, n: number, lastByteAt: string): void {
    for (const [socket, role] of this.#connections) {
      if (role === 'supervisor') sendIfRoom(socket, { v: 1, type: 'beat', epoch, n, lastByteAt });
    }
  }

  close(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#server.close();
  }

  #ring(): void {
    const ringing = this.#ringing;
    this.#ringing = null;
    if (!ringing) return;
    for (const [socket, role] of this.#connections) {
      if (role !== 'stranger') sendIfRoom(socket, { v: 1, type: 'bell', ...ringing });
    }
  }

  #connected(socket: Socket): void {
    if (this.#connections.size >= CONNECTIONS_LIMIT) return void socket.destroy();
    this.#connections.set(socket, 'stranger');
    const split = createFrameSplitter();
    socket.on('data', (bytes: Buffer) => {
      try {
        for (const line of split(bytes)) if (line.trim() !== '') this.#line(socket, line);
      } catch (error) {
        // Only the splitter throws here: what follows cannot be told apart any more.
        if (!(error instanceof BadFrame)) throw error;
        send(socket, { v: 1, type: 'refused', id: null, code: 'bad_frame', message: error.message });
        socket.end();
      }
    });
    const gone = (): void => {
      this.#connections.delete(socket);
      if (this.#commander !== socket) return;
      this.#commander = null;
      this.#on.supervised(false);
    };
    socket.on('close', gone);
    socket.on('error', gone);
  }

  #line(socket: Socket, line: string): void {
    try {
      this.#frame(socket, parseFrame(line));
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      send(socket, { v: 1, type: 'refused', id: error.id, code: 'bad_frame', message: error.message });
    }
  }

  #frame(socket: Socket, frame: ToHost): void {
    switch (frame.type) {
      case 'hello':
        this.#commander = socket;
        this.#connections.set(socket, 'supervisor');
        this.#on.supervised(true);
        return send(socket, { v: 1, type: 'hello', ...this.#on.hello() });
      case 'watch':
        this.#connections.set(socket, 'watcher');
        return send(socket, { v: 1, type: 'hello', ...this.#on.hello() });
      case 'ping':
        return send(socket, { v: 1, type: 'pong' });
      case 'typed':
        return this.#on.typed(frame.input);
      case 'command':
        return this.#command(socket, frame);
    }
  }

  #command(socket: Socket, command: Command): void {
    const { id } = command;
    const reply: Reply = {
      ack: () => send(socket, { v: 1, type: 'ack', id }),
      refused: (code, message) => send(socket, { v: 1, type: 'refused', id, code, message }),
    };
    if (this.#commander === socket) return this.#on.command(command, reply);
    const why = this.#connections.get(socket) === 'supervisor' ? 'another supervisor has greeted since' : 'greet first';
    reply.refused('not_greeted', why);
  }
}

function send(socket: Socket, frame: FromHost): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(frame)}\n`);
}

function sendIfRoom(socket: Socket, frame: FromHost): void {
  if (socket.writableLength < SLOW_READER) send(socket, frame);
}

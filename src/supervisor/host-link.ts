/**
 * One connection to one pane host: greeting, commands with a limit for their acknowledgement, doorbell, beats, end of file.
 * It judges nothing: who is dead or hung is decided in `hosts.ts`.
 */
import { connect, type Socket } from 'node:net';
import {
  ACK_LIMIT_MS,
  FRAME_LIMIT,
  type FromHost,
  type HostHello,
  type HostVerb,
  type ToHost,
} from '../core/host-wire.ts';
import type { JsonObject } from '../core/event.ts';
import { createFrameReader } from './frames.ts';
import { messageOf } from './loop.ts';
import type { Clock } from './ports.ts';

export interface LinkEvents {
  hello(hello: HostHello): void;
  bell(epoch: number, n: number): void;
  beat(epoch: number, n: number, lastByteAt: string): void;
  ack(id: string): void;
  refused(id: string | null, code: string, message: string): void;
  /** A command was not acknowledged in time. */
  hung(commandId: string): void;
  /** The connection is over (or never came about); comes exactly once. */
  closed(why: string): void;
}

export interface LinkOptions {
  socketPath: string;
  /** Our host protocol, build and pid, for the greeting. */
  self: { protocol: number; build: string; pid: number };
  clock: Clock;
  on: LinkEvents;
}

export interface HostLink {
  command(id: string, verb: HostVerb, args: JsonObject): void;
  close(): void;
}

export function openLink(options: LinkOptions): HostLink {
  const { on, clock } = options;
  const waiting = new Map<string, { cancel(): void }>();
  const reader = createFrameReader();
  let over = false;
  const socket: Socket = connect({ path: options.socketPath });

  const finish = (why: string): void => {
    if (over) return;
    over = true;
    for (const timer of waiting.values()) timer.cancel();
    waiting.clear();
    socket.destroy();
    on.closed(why);
  };

  const settle = (id: string): void => {
    waiting.get(id)?.cancel();
    waiting.delete(id);
  };

  const take = (frame: FromHost): void => {
    switch (frame.type) {
      case 'hello':
        on.hello(frame);
        break;
      case 'bell':
        on.bell(frame.epoch, frame.n);
        break;
      case 'beat':
        on.beat(frame.epoch, frame.n, frame.lastByteAt);
        break;
      case 'ack':
        settle(frame.id);
        on.ack(frame.id);
        break;
      case 'refused':
        if (frame.id !== null) settle(frame.id);
        on.refused(frame.id, frame.code, frame.message);
        break;
      case 'pong':
        break;
    }
  };

  const send = (frame: ToHost): void => void socket.write(`${JSON.stringify(frame)}\n`);

  socket.on('connect', () => {
    const { protocol, build, pid } = options.self;
    send({ v: 1, type: 'hello', protocol, build, supervisor: pid });
  });
  socket.on('data', (bytes: Buffer) => {
    try {
      for (const frame of reader.push(bytes)) if (!over) take(frame);
    } catch (error) {
      finish(`the host sent no frame: ${messageOf(error)}`);
    }
  });
  socket.on('error', (error) => finish(error.message));
  socket.on('close', () => finish('end of file'));

  return {
    command(id, verb, args) {
      if (over) return;
      const frame: ToHost = { v: 1, type: 'command', id, verb, args };
      if (Buffer.byteLength(JSON.stringify(frame)) > FRAME_LIMIT) {
        on.refused(id, 'TOO_LARGE', `the command has more than ${FRAME_LIMIT} bytes`);
        return;
      }
      waiting.set(
        id,
        clock.setTimeout(() => {
          waiting.delete(id);
          if (!over) on.hung(id);
        }, ACK_LIMIT_MS),
      );
      send(frame);
    },
    close() {
      over = true;
      for (const timer of waiting.values()) timer.cancel();
      waiting.clear();
      socket.destroy();
    },
  };
}

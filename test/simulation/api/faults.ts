import type { FakeAnswer } from '../../support/fakes/fake-api.ts';
import type { Draw } from '../random.ts';

/**
 * Ways in which the API server fails a request.
 *
 * | fault       | executed | answer                                     |
 * |-------------|----------|--------------------------------------------|
 * | TooMany     | no       | 429, Retry-After 1                         |
 * | Error       | no       | 500                                        |
 * | Unavailable | no       | 503                                        |
 * | Conflict    | no       | 409, of writes                             |
 * | Slow        | later    | late                                       |
 * | Hang        | no       | none                                       |
 * | AppliedLost | yes      | none                                       |
 * | AppliedError| yes      | 504, late                                  |
 */
export const apiFaults = [
  'TooMany',
  'Error',
  'Unavailable',
  'Conflict',
  'Slow',
  'Hang',
  'AppliedLost',
  'AppliedError',
] as const;

export type ApiFault = (typeof apiFaults)[number];

/** Treatment of one request. */
export interface Treatment {
  readonly isExecuted: boolean;
  /** Milliseconds before it is executed. */
  readonly delayMs: number;
  /** Milliseconds from then to the answer; undefined: there is none. */
  readonly answerMs: number | undefined;
  /** Answer instead of that of the execution. */
  readonly answer?: FakeAnswer;
  readonly headers?: Readonly<Record<string, string>>;
}

const status = (code: number, reason: string): FakeAnswer => ({
  status: code,
  body: { kind: 'Status', status: 'Failure', code, reason, message: 'a fault of the API server' },
});

const healthy: Treatment = { isExecuted: true, delayMs: 0, answerMs: 0 };
const refused = (code: number, reason: string): Treatment => ({
  ...{ isExecuted: false, delayMs: 0, answerMs: 0, answer: status(code, reason) },
});

/** Faults of the API server that are active now. */
export class ApiFaults {
  readonly #draw: Draw;
  #active: readonly { readonly fault: ApiFault; readonly share: number }[] = [];

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  begin(fault: ApiFault, share: number): () => void {
    const one = { fault, share };
    this.#active = [...this.#active, one];
    return () => (this.#active = this.#active.filter((each) => each !== one));
  }

  treatmentOf(isWrite: boolean): Treatment {
    for (const { fault, share } of this.#active)
      if (this.#draw.chance(share)) return this.#of(fault, isWrite);
    return healthy;
  }

  #of(fault: ApiFault, isWrite: boolean): Treatment {
    switch (fault) {
      case 'TooMany':
        return { ...refused(429, 'TooManyRequests'), headers: { 'retry-after': '1' } };
      case 'Error':
        return refused(500, 'InternalError');
      case 'Unavailable':
        return refused(503, 'ServiceUnavailable');
      case 'Conflict':
        return isWrite ? refused(409, 'Conflict') : healthy;
      case 'Slow':
        return { ...healthy, delayMs: this.#draw.between(200, 1_200) };
      case 'Hang':
        return { isExecuted: false, delayMs: 0, answerMs: undefined };
      case 'AppliedLost':
        return { ...healthy, answerMs: undefined };
      case 'AppliedError':
        return { ...healthy, answerMs: this.#draw.between(100, 900), answer: status(504, 'Timeout') };
    }
  }
}

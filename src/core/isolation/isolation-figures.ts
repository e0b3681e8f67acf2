/** Numbers of an isolation, as of its beginning. */
export interface IsolationFigures {
  /** Hosts that did not answer, of those that were asked. */
  readonly silent: number;
  readonly hosts: number;
  /** Wall-clock milliseconds. */
  readonly since: number;
}

import { describe, expect, it } from '@jest/globals';
import { reasons } from '../../src/core/probing/reasons.ts';
import type { Verdict } from '../../src/core/probing/verdict.ts';
import { metricsTable } from '../../src/serve/metrics-table.ts';
import { RunTally } from '../../src/engine/probing/run-tally.ts';
import type { BackendFigures } from '../../src/engine/reconcile/backend-figures.ts';
import { Metrics } from '../../src/serve/metrics.ts';
import { aCheck } from '../support/fakes/scripted-probe.ts';
import { up } from '../support/builders/verdicts.ts';

const make = (more: { perBackend?: boolean; maxBackends?: number } = {}): Metrics =>
  new Metrics({ version: '1.2.3', nodeVersion: 'v24', perBackend: true, maxBackends: 2, ...more });

const at = (ip: string) => aCheck({ ip, port: 443 });
const figures = (given: Partial<BackendFigures>): BackendFigures => ({
  ...{ ready: 0, total: 0, primary: [], checks: [] },
  ...given,
});

const refused: Verdict = { kind: 'down', reason: 'Refused', message: '' };

/** Sample by sample, as Prometheus would read them. */
async function scrape(metrics: Metrics): Promise<ReadonlyMap<string, string>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]),
  );
}

const matching = (samples: ReadonlyMap<string, string>, start: string): string[] =>
  [...samples].filter(([name]) => name.startsWith(start)).map(([name, value]) => `${name} ${value}`);

describe('metrics', () => {
  it('all have a help text, a type and the right suffix', () => {
    const bad = Object.entries(metricsTable).filter(
      ([name, { type, help }]) =>
        !/^external_backend_[a-z_]+$/.test(name) ||
        help.length < 10 ||
        (type === 'counter') !== name.endsWith('_total') ||
        (type === 'histogram' && !name.endsWith('_seconds')),
    );
    expect(bad).toEqual([]);
  });

  it.each([
    ['tcpSocket', 'down', 'Refused'],
    ['postgres', 'up', 'AuthFailed'],
    ['postgres', 'up', 'CredentialsWithheld'],
    ['postgres', 'down', 'Saturated'],
    ['mysql', 'inconclusive', 'Saturated'],
    ['redis', 'down', 'Loading'],
    ['mongodb', 'down', 'Timeout'],
    ['tls', 'down', 'CertificateExpired'],
    ['grpc', 'down', 'NotServing'],
    ['unready', 'inconclusive', 'ProberFault'],
  ])('show runs of %s that are %s %s as 0 before the first one', async (handler, result, reason) => {
    const series = `external_backend_probe_results_total{handler="${handler}",result="${result}",reason="${reason}"}`;
    expect((await scrape(make())).get(series)).toBe('0');
  });

  it('have every series of probe runs and transitions from the start, each at 0', async () => {
    const samples = await scrape(make());
    for (const name of ['probe_results_total', 'health_transitions_total']) {
      const lines = matching(samples, `external_backend_${name}{`);
      const missing = reasons.filter((reason) => !lines.some((line) => line.includes(`reason="${reason}"`)));
      expect(missing).toEqual(name === 'probe_results_total' ? [] : ['ProberFault', 'Cancelled']);
      expect(lines.filter((line) => !line.endsWith(' 0'))).toEqual([]);
    }
  });

  it('have a series of reconciles for each reason from the start', async () => {
    const samples = await scrape(make());
    for (const reason of ['Ok', 'Forbidden', 'Conflict', 'Unreachable'])
      expect(samples.get(`external_backend_reconciles_total{reason="${reason}"}`)).toBe('0');
  });

  it('count verdicts and their durations', async () => {
    const metrics = make();
    const [one, other] = [new RunTally(), new RunTally()];
    metrics.includeRuns([one, other]);
    one.ran('tcpSocket', up, 2);
    other.ran('tcpSocket', up, 70_000);
    one.ran('httpGet', refused, 0.4);
    const samples = await scrape(metrics);
    const of = (name: string) => samples.get(`external_backend_probe_${name}`);
    expect(of('results_total{handler="tcpSocket",result="up",reason="Connected"}')).toBe('2');
    expect(of('results_total{handler="httpGet",result="down",reason="Refused"}')).toBe('1');
    expect(of('duration_seconds_bucket{handler="tcpSocket",reason="Connected",le="0.001"}')).toBe('0');
    expect(of('duration_seconds_bucket{handler="tcpSocket",reason="Connected",le="0.0025"}')).toBe('1');
    expect(of('duration_seconds_bucket{handler="tcpSocket",reason="Connected",le="30"}')).toBe('1');
    expect(of('duration_seconds_bucket{handler="tcpSocket",reason="Connected",le="+Inf"}')).toBe('2');
    expect(of('duration_seconds_count{handler="tcpSocket",reason="Connected"}')).toBe('2');
    expect(of('duration_seconds_sum{handler="tcpSocket",reason="Connected"}')).toBe('70.002');
  });

  it('count a reason that comes with an unusual kind of verdict under its own kind', async () => {
    const metrics = make();
    const runs = new RunTally();
    metrics.includeRuns([runs]);
    runs.ran('icmp', { ...up, kind: 'inconclusive' }, 1);
    const name =
      'external_backend_probe_results_total{handler="icmp",result="inconclusive",reason="Connected"}';
    expect((await scrape(metrics)).get(name)).toBe('1');
  });

  it('show a value that lies on a bound in the bucket of that bound', async () => {
    const metrics = make();
    const runs = new RunTally();
    metrics.includeRuns([runs]);
    runs.late(1);
    expect((await scrape(metrics)).get('external_backend_probe_lateness_seconds_bucket{le="0.001"}')).toBe(
      '1',
    );
  });

  it('show the addresses of a backend until it is deleted', async () => {
    const metrics = make();
    metrics.backendFigures('shop/db', figures({ ready: 1, total: 2 }));
    const before = await scrape(metrics);
    metrics.backendFigures('shop/db', undefined);
    const after = await scrape(metrics);
    expect(before.get('external_backend_ready_addresses{namespace="shop",name="db"}')).toBe('1');
    expect(before.get('external_backend_addresses{namespace="shop",name="db"}')).toBe('2');
    expect(matching(after, 'external_backend_addresses{')).toEqual([]);
    expect(matching(after, 'external_backend_ready_addresses{')).toEqual([]);
  });

  it('show no more backends than allowed, count the others, and show one of them when another is deleted', async () => {
    const metrics = make({ maxBackends: 2 });
    for (const name of ['a', 'b', 'c', 'c'])
      metrics.backendFigures(`ns/${name}`, figures({ ready: 0, total: 1 }));
    const full = await scrape(metrics);
    metrics.backendFigures('ns/a', undefined);
    const later = await scrape(metrics);
    expect(matching(full, 'external_backend_addresses{')).toHaveLength(2);
    expect(full.get('external_backend_backends_without_series{namespace="ns"}')).toBe('1');
    expect(later.get('external_backend_addresses{namespace="ns",name="c"}')).toBe('1');
    expect(matching(later, 'external_backend_backends_without_series')).toEqual([]);
  });

  it('give the place of a deleted backend to the one that has waited longest, with its latest figures', async () => {
    const metrics = make({ maxBackends: 1 });
    for (const name of ['a', 'b', 'c']) metrics.backendFigures(`ns/${name}`, figures({ ready: 0, total: 1 }));
    metrics.backendFigures('ns/b', figures({ ready: 1, total: 1, primary: ['10.0.0.1'] }));
    metrics.backendFigures('ns/c', undefined);
    metrics.backendFigures('ns/a', undefined);
    const samples = await scrape(metrics);
    expect(matching(samples, 'external_backend_ready_addresses{')).toEqual([
      'external_backend_ready_addresses{namespace="ns",name="b"} 1',
    ]);
    expect(matching(samples, 'external_backend_primary_info{')).toHaveLength(1);
    expect(matching(samples, 'external_backend_backends_without_series')).toEqual([]);
  });

  it('show the elected primary, and no series without one', async () => {
    const metrics = make();
    const primary = async (...addresses: readonly string[]) => {
      metrics.backendFigures('shop/db', figures({ ready: 1, total: 2, primary: addresses }));
      return matching(await scrape(metrics), 'external_backend_primary_info{');
    };
    const line = (address: string) =>
      `external_backend_primary_info{namespace="shop",name="db",address="${address}"} 1`;
    expect(await primary('10.0.0.1')).toEqual([line('10.0.0.1')]);
    expect(await primary('10.0.0.2', 'fd00::2')).toEqual([line('10.0.0.2'), line('fd00::2')]);
    expect(await primary()).toEqual([]);
    await primary('10.0.0.1');
    metrics.backendFigures('shop/db', undefined);
    expect(matching(await scrape(metrics), 'external_backend_primary_info{')).toEqual([]);
  });

  it('show each Service that publishes addresses that are not ready, and none after its end', async () => {
    const metrics = make();
    const active = async (...services: readonly string[]) => {
      const fallbacks = services.map((service) => ({ service, policy: 'KeepLast' }));
      metrics.backendFigures('shop/db', figures({ ready: 0, total: 2, fallbacks }));
      return matching(await scrape(metrics), 'external_backend_fallback_active{');
    };
    const line = (service: string) =>
      `external_backend_fallback_active{namespace="shop",name="db",service="${service}",policy="KeepLast"} 1`;
    expect(await active('rw', 'ro')).toEqual([line('rw'), line('ro')]);
    expect(await active('ro')).toEqual([line('ro')]);
    expect(await active()).toEqual([]);
    expect(await active('rw')).toEqual([line('rw')]);
    metrics.backendFigures('shop/db', undefined);
    expect(matching(await scrape(metrics), 'external_backend_fallback_active{')).toEqual([]);
  });

  it('show the maintenance windows that are active, and no series of others', async () => {
    const metrics = make();
    const active = async (...windows: NonNullable<Parameters<typeof figures>[0]['windows']>) => {
      metrics.backendFigures('shop/db', figures({ ready: 1, total: 2, windows }));
      return matching(await scrape(metrics), 'external_backend_maintenance_active{');
    };
    const line = (window: string, action: string) =>
      `external_backend_maintenance_active{namespace="shop",name="db",window="${window}",action="${action}"} 1`;
    const [drain, freeze] = [
      { name: 'a', action: 'Drain' },
      { name: 'b', action: 'Freeze' },
    ] as const;
    expect(await active(drain, freeze)).toEqual([line('a', 'Drain'), line('b', 'Freeze')]);
    expect(await active(freeze)).toEqual([line('b', 'Freeze')]);
    expect(await active()).toEqual([]);
  });

  it('show that a backend only observes, for as long as it does', async () => {
    const metrics = make();
    const shown = async (isObserving: boolean) => {
      metrics.backendFigures('shop/db', figures({ ready: 1, total: 2, isObserving }));
      return matching(await scrape(metrics), 'external_backend_observing{');
    };
    expect(await shown(true)).toEqual(['external_backend_observing{namespace="shop",name="db"} 1']);
    expect(await shown(false)).toEqual([]);
  });

  it('show the earliest end of the certificates of a backend, for addresses that are still probed', async () => {
    const metrics = make({ maxBackends: 1 });
    const published = (...ips: readonly string[]) =>
      metrics.backendFigures('shop/web', figures({ ready: 0, total: 2, checks: ips.map(at) }));
    const shown = async () =>
      matching(await scrape(metrics), 'external_backend_certificate_expiry_timestamp_seconds{');
    const line = (value: string) =>
      `external_backend_certificate_expiry_timestamp_seconds{namespace="shop",name="web"} ${value}`;
    published('10.0.0.1', '10.0.0.2');
    metrics.certificateSeen('shop/web', at('10.0.0.1'), 1_767_225_600_000);
    metrics.certificateSeen('shop/web', at('10.0.0.2'), 1_767_225_700_000);
    metrics.certificateSeen('shop/beyond', at('10.0.0.3'), 1);
    expect(await shown()).toEqual([line('1767225600')]);
    published('10.0.0.2');
    expect(await shown()).toEqual([line('1767225700')]);
    metrics.certificateSeen('shop/web', at('10.0.0.2'), 1_798_761_600_000);
    expect(await shown()).toEqual([line('1798761600')]);
    metrics.backendFigures('shop/web', undefined);
    expect(await shown()).toEqual([]);
  });

  it('show all 10 backends of a namespace although another one has 2,000 and came first', async () => {
    const metrics = make({ maxBackends: 1000 });
    const publish = (namespace: string, count: number) => {
      for (let n = 0; n < count; n++)
        metrics.backendFigures(`${namespace}/b${String(n)}`, figures({ ready: 1, total: 1 }));
    };
    publish('greedy', 2000);
    publish('modest', 10);
    const samples = await scrape(metrics);
    const shown = (namespace: string) =>
      matching(samples, `external_backend_addresses{namespace="${namespace}"`).length;
    expect([shown('modest'), shown('greedy')]).toEqual([10, 990]);
    expect(matching(samples, 'external_backend_backends_without_series')).toEqual([
      'external_backend_backends_without_series{namespace="greedy"} 1010',
    ]);
  });

  it('show the latest figures of a backend that lost its place and has one again', async () => {
    const metrics = make({ maxBackends: 2 });
    metrics.backendFigures('greedy/a', figures({ ready: 1, total: 1 }));
    metrics.backendFigures('greedy/b', figures({ ready: 2, total: 3, primary: ['10.0.0.1'] }));
    metrics.backendFigures('modest/c', figures({ ready: 1, total: 1 }));
    const name = 'external_backend_addresses{namespace="greedy",name="b"}';
    const short = await scrape(metrics);
    expect([short.get(name), matching(short, 'external_backend_primary_info{')]).toEqual([undefined, []]);
    metrics.backendFigures('modest/c', undefined);
    const samples = await scrape(metrics);
    expect(samples.get(name)).toBe('3');
    expect(matching(samples, 'external_backend_primary_info{')).toHaveLength(1);
  });

  it('have no series of single backends when these are switched off', async () => {
    const metrics = make({ perBackend: false });
    metrics.backendFigures('ns/a', figures({ ready: 0, total: 1, primary: ['10.0.0.1'] }));
    metrics.certificateSeen('ns/a', at('10.0.0.1'), 1);
    const samples = await scrape(metrics);
    for (const name of ['addresses', 'primary_info', 'certificate_expiry_timestamp_seconds'])
      expect(matching(samples, `external_backend_${name}{`)).toEqual([]);
  });

  it('read depths at the scrape', async () => {
    const metrics = make();
    let depth = 3;
    const stats = () => ({ checks: 9, workers: 2, quarantined: 1, costly: 0, backends: 5, due: depth });
    const slowedNamespaces = () => new Map([['shop', 2]]);
    metrics.sampleAtScrape({ engine: { stats, slowedNamespaces, isIsolated: true } });
    metrics.sampleAtScrape({ client: { load: { inFlight: 7 } } });
    depth = 4;
    const samples = await scrape(metrics);
    const names = [
      ...['queue_depth', 'api_requests_in_flight', 'checks', 'probers', 'checks_quarantined', 'isolated'],
    ];
    const values = names.map((name) => samples.get(`external_backend_${name}`));
    expect(values).toEqual(['4', '7', '9', '2', '1', '1']);
    expect(samples.get('external_backend_probe_slowdown{namespace="shop"}')).toBe('2');
  });

  it('count questions to the name servers, from 0 on for every result', async () => {
    const metrics = make();
    metrics.dnsQueried('Records', 2);
    metrics.dnsQueried('NoSuchName', 3);
    metrics.dnsQueried('Records', 5_000);
    const samples = await scrape(metrics);
    expect(matching(samples, 'external_backend_dns_queries_total')).toEqual([
      'external_backend_dns_queries_total{result="Records"} 2',
      'external_backend_dns_queries_total{result="NoSuchName"} 1',
      'external_backend_dns_queries_total{result="NoAddress"} 0',
      'external_backend_dns_queries_total{result="Failed"} 0',
    ]);
    expect(samples.get('external_backend_dns_query_duration_seconds_bucket{le="0.005"}')).toBe('2');
    expect(samples.get('external_backend_dns_query_duration_seconds_count')).toBe('3');
  });

  it('have the number of names and the age of the oldest answer in use, which is 0 without one', async () => {
    const metrics = make();
    let oldestAnswerMs: number | undefined = undefined;
    metrics.sampleAtScrape({ resolver: { stats: () => ({ questions: 12, waiting: 0, oldestAnswerMs }) } });
    const name = 'external_backend_dns_oldest_answer_age_seconds';
    expect((await scrape(metrics)).get(name)).toBe('0');
    oldestAnswerMs = 61_500;
    const samples = await scrape(metrics);
    expect([samples.get(name), samples.get('external_backend_dns_tracked_questions')]).toEqual([
      '61.5',
      '12',
    ]);
  });

  it('have reconciles, requests, restarts, leadership and the build', async () => {
    const metrics = make();
    metrics.reconciled(undefined, 10, 20);
    metrics.reconciled({ reason: 'Conflict' }, 10, 20);
    metrics.apiRequested({ verb: 'update', resource: 'endpointslices', code: '409', durationMs: 3 });
    metrics.apiRequested({ verb: 'watch', resource: 'services', code: '200', durationMs: 3_600_000 });
    metrics.watchRestarted('services', 'Expired');
    metrics.healthChanged({ state: 'unhealthy', reason: 'Timeout' });
    metrics.leading(true);
    const samples = await scrape(metrics);
    const of = (name: string) => samples.get(`external_backend_${name}`);
    expect(of('reconciles_total{reason="Ok"}')).toBe('1');
    expect(of('reconciles_total{reason="Conflict"}')).toBe('1');
    expect(of('queue_latency_seconds_count')).toBe('2');
    expect(of('api_requests_total{verb="update",resource="endpointslices",code="409"}')).toBe('1');
    expect(matching(samples, 'external_backend_api_request_duration_seconds_count')).toHaveLength(1);
    expect(of('watch_restarts_total{resource="services",reason="Expired"}')).toBe('1');
    expect(of('health_transitions_total{to="unhealthy",reason="Timeout"}')).toBe('1');
    expect(of('leader')).toBe('1');
    expect(of('build_info{version="1.2.3",node="v24"}')).toBe('1');
  });

  it('have the figures of the process when these are included', async () => {
    const metrics = make();
    metrics.includeProcess();
    const samples = await scrape(metrics);
    const wanted = ['process_resident_memory_bytes', 'process_open_fds', 'nodejs_eventloop_lag_p99_seconds'];
    expect(wanted.filter((name) => !samples.has(name))).toEqual([]);
    expect(matching(samples, 'nodejs_active')).toEqual([]);
  });
});

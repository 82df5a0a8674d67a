// Plays the live channels of a demo backend with dash.js, hls.js and Shaka Player in headless Chromium. A line of JSON for each run,
// and exit status 1 if one of them did not play.
//
//   node play.mjs --ready FILE [--seconds N] [--modules DIR] [--only NAME,NAME]
//
// FILE has the ready line of `kinora-backend demo`. A NAME is that of a player or a channel.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const own = dirname(fileURLToPath(import.meta.url));
const options = { seconds: '30', modules: join(own, 'node_modules'), only: '', chromium: '/usr/bin/chromium' };
for (let i = 2; i < process.argv.length; i += 2) {
  const name = process.argv[i].replace(/^--/, '');
  if (process.argv[i + 1] === undefined) throw new Error(`${process.argv[i]} needs a value`);
  options[name] = process.argv[i + 1];
}
const seconds = Number(options.seconds);
const modules = resolve(options.modules);
const only = options.only.split(',').filter(Boolean);
const { chromium } = createRequire(join(modules, 'playwright-core/package.json'))('playwright-core');

// Least seconds that a run plays less than it lasts: a start, and a machine that is busy.
const START_S = 6;
// Stops that a run may have once it has played for a while: a start beside the edge may need a second attempt.
const MAX_STOPS = 1;
const SETTLED_S = 5;
// Latency in seconds that a run may have in the mean, by kind of channel.
const MAX_LATENCY_S = { low: 5, ordinary: 16 };
// Players, the protocol that each plays, and how each is started. Shaka plays both.
const RUNS = [['hls', 'hls'], ['dash', 'dash'], ['shaka', 'dash'], ['shaka', 'hls']];

const ready = JSON.parse(readFileSync(options.ready, 'utf8').split('\n').find((line) => line.startsWith('{')));
const call = async (path, body, token) => {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(ready.backend + path, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? null : response.json();
};
const device = { id: 'live-browsers', name: 'live browsers', platform: 'linux', app_version: '0' };
const signedIn = await call('/v1/sign-in', { email: ready.email, password: ready.password, device });
const token = signedIn.tokens.access_token;
const home = await call('/v1/home', null, token);
const channels = home.rows.find((row) => row.kind.type === 'live')?.titles ?? [];
if (channels.length === 0) throw new Error('the home screen has no live channel');

// Serves the page and the players. The media come from the edges.
const types = { html: 'text/html', js: 'text/javascript' };
const server = createServer((request, response) => {
  const path = normalize(new URL(request.url, 'http://x').pathname);
  const file = path.startsWith('/modules/') ? join(modules, path.slice('/modules/'.length)) : join(own, 'page.html');
  if (!existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': types[file.split('.').pop()] ?? 'application/octet-stream' });
  response.end(readFileSync(file));
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const site = `http://127.0.0.1:${server.address().port}/`;

const profile = mkdtempSync(join(tmpdir(), 'kinora-live-browsers-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: options.chromium,
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});
// This machine only.
await context.route((url) => url.hostname !== '127.0.0.1', (route) => route.abort());

// Runs in the page.
const play = async ({ player, url, seconds }) => {
  const video = document.getElementById('video');
  const errors = {}, stops = [], latencies = [], rates = new Set();
  let fatal = false, first = null, played = 0, last = null;
  const note = (what, isFatal) => { errors[what] = (errors[what] ?? 0) + 1; fatal ||= isFatal; };
  const begun = performance.now();
  video.addEventListener('playing', () => { first ??= performance.now() - begun; });
  video.addEventListener('waiting', () => { if (first !== null) stops.push(Math.round(performance.now() - begun) / 1e3); });
  video.addEventListener('error', () => note(`video ${video.error?.code} ${video.error?.message}`, true));
  let latency = () => null;
  if (player === 'hls') {
    const hls = new Hls({ lowLatencyMode: true, enableWorker: true });
    hls.on(Hls.Events.ERROR, (_, data) => note(data.details, data.fatal));
    hls.loadSource(url);
    hls.attachMedia(video);
    latency = () => hls.playingDate ? (Date.now() - hls.playingDate.getTime()) / 1e3 : null;
  } else if (player === 'dash') {
    const own = dashjs.MediaPlayer().create();
    own.updateSettings({ debug: { logLevel: 0 } });
    own.on('error', (event) => note(`${event.error?.code} ${String(event.error?.message).slice(0, 90)}`, true));
    own.initialize(video, url, true);
    latency = () => own.getCurrentLiveLatency();
  } else {
    shaka.polyfill.installAll();
    const own = new shaka.Player();
    await own.attach(video);
    own.configure({ streaming: { lowLatencyMode: true, liveSync: { enabled: true } } });
    own.addEventListener('error', (event) => note(`shaka ${event.detail.code} ${String(event.detail.data).slice(0, 200)}`, false));
    own.load(url).catch((error) => note(`shaka ${error.code} ${String(error.data).slice(0, 200)}`, true));
    latency = () => own.getStats().liveLatency;
  }
  // dash.js begins by itself, and takes itself for paused if somebody else begins.
  if (player !== 'dash') video.play().catch(() => {});
  while (performance.now() - begun < seconds * 1e3 && !fatal) {
    await new Promise((done) => setTimeout(done, 250));
    const time = video.currentTime;
    if (last !== null && time > last && time - last < 2) played += time - last;
    last = time;
    rates.add(video.playbackRate.toFixed(2));
    const value = first !== null && performance.now() - begun > first + 5e3 ? latency() : null;
    if (Number.isFinite(value) && value > 0) latencies.push(value);
  }
  const quality = video.getVideoPlaybackQuality();
  const mean = latencies.length ? latencies.reduce((a, b) => a + b, 0) / latencies.length : null;
  const seconds2 = (value) => value === null ? null : Math.round(value * 100) / 100;
  return {
    startup_s: seconds2(first === null ? null : first / 1e3), played_s: seconds2(played), stops,
    latency_s: mean === null ? null : { mean: seconds2(mean), min: seconds2(Math.min(...latencies)), max: seconds2(Math.max(...latencies)) },
    rates: rates.size, frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames,
    size: `${video.videoWidth}x${video.videoHeight}`, errors, fatal,
  };
};

let failed = 0;
for (const channel of channels) {
  for (const [player, protocol] of RUNS) {
    if (only.length && !only.includes(player) && !only.includes(channel.id) && !only.includes(`${player}-${protocol}`)) continue;
    const grant = await call('/v1/playback', { title_id: channel.id, protocols: [protocol] }, token);
    const url = grant.sources.find((source) => source.protocol === protocol).urls[0];
    const page = await context.newPage();
    const says = [];
    page.on('pageerror', (error) => says.push(String(error)));
    await page.goto(site);
    const result = await page.evaluate(play, { player, url, seconds }).catch((error) => ({ fatal: true, errors: { [String(error).slice(0, 200)]: 1 } }));
    await page.close();
    await call(`/v1/playback/${grant.session_id}/stop`, { position_ms: 0, phase: 'stopped' }, token);
    const least = seconds - START_S;
    const reasons = [];
    if (result.fatal) reasons.push('a fatal error');
    if (!(result.played_s >= least)) reasons.push(`played ${result.played_s} of ${least} s at least`);
    const late = (result.stops ?? []).filter((at) => at > (result.startup_s ?? 0) + SETTLED_S);
    if (late.length > MAX_STOPS) reasons.push(`${late.length} stops`);
    const most = channel.live.window_ms < 600000 ? MAX_LATENCY_S.low : MAX_LATENCY_S.ordinary;
    // Shaka's figure for HLS is none of this kind.
    if (`${player}-${protocol}` !== 'shaka-hls' && !(result.latency_s?.mean <= most)) reasons.push(`latency above ${most} s`);
    if (reasons.length) failed += 1;
    console.log(JSON.stringify({ channel: channel.id, player, protocol, ok: reasons.length === 0, reasons, ...result, ...(says.length ? { says } : {}) }));
  }
}
await context.close();
server.close();
rmSync(profile, { recursive: true, force: true });
console.error(failed ? `${failed} runs did not play` : 'all runs played');
process.exit(failed ? 1 : 0);

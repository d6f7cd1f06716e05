// Live updates of an order's page: asks the server and replaces only the parts that changed. The feed of events
// says when to ask; without one the page polls.

import {localise} from "./shop.js";

const root = document.querySelector("[data-live]");
const announcement = document.querySelector("[data-announce]");
const connection = document.querySelector("[data-connection]");
const MAX_INTERVAL = 15000;    // milliseconds between two polls, however long nothing changes
const POLLS_AT_FULL_RATE = 30; // polls without a change until the interval grows
const POLLS_AFTER_EVENT = 4;   // the same while the feed is there: what follows from an event may come a little later
const rendered = new Map();    // part -> its HTML as the server sent it
let etag = "";
let unchanged = 0;             // polls without a change since the last one
let failures = 0;
let timer = 0;
let isPolling = false;
let feed = null;               // the stream of the order's events
let isLive = false;            // it is open
let followAgainAt = 0;         // when to try again after the server has refused it

const parts = (tree) => tree.querySelectorAll("[data-part]");
const progress = () => root.querySelector(".order-progress");
const interval = () => Number(progress().dataset.pollInterval);  // 0: the order is final

function remember(tree) {
  for (const part of parts(tree)) rendered.set(part.dataset.part, part.outerHTML);
}

function swap(part) {
  const name = part.dataset.part;
  if (rendered.get(name) === part.outerHTML) return;
  const old = root.querySelector(`[data-part="${name}"]`);
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  rendered.set(name, part.outerHTML);
  localise(part.querySelectorAll("time"));
  old.replaceWith(part);
  if (focused) refocus(part, focused);
}

// Keep the focus on the same element, or else move it to the heading of the replaced part.
function refocus(part, focused) {
  const heading = part.querySelector("h2");
  heading.tabIndex = -1;
  (focused.id && document.getElementById(focused.id) || heading).focus({preventScroll: true});
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const headline = fresh.querySelector("[data-headline]").textContent;
  const isNew = headline !== root.querySelector("[data-headline]").textContent;
  progress().dataset.pollInterval = fresh.querySelector(".order-progress").dataset.pollInterval;
  for (const part of [...parts(fresh)]) swap(document.adoptNode(part));
  if (isNew) announcement.textContent = headline;
}

function schedule() {
  clearTimeout(timer);
  if (document.hidden || !interval()) return;
  if (isLive && unchanged >= POLLS_AFTER_EVENT) {
    timer = setTimeout(poll, MAX_INTERVAL);  // in case an event is lost
    return;
  }
  const surplus = Math.max(0, unchanged - POLLS_AT_FULL_RATE);
  const backoff = Math.max(1.3 ** failures, 1.2 ** surplus);
  timer = setTimeout(poll, Math.min(interval() * backoff, Math.max(MAX_INTERVAL, interval())));
}

async function poll() {
  if (isPolling) return;
  isPolling = true;
  try {
    const headers = etag ? {"If-None-Match": etag} : {};
    const options = {headers, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(10000)};
    const response = await fetch(root.dataset.live, options);
    if (response.type === "opaqueredirect" || response.status === 404) { location.reload(); return; }  // logged out
    if (response.status === 304) unchanged += 1;
    else if (response.ok) { etag = response.headers.get("ETag"); unchanged = 0; show(await response.text()); }
    else throw new Error(response.statusText);
    failures = 0;
    connection.textContent = "";
  } catch {
    failures += 1;
    if (failures > 2) connection.textContent = connection.dataset.lost;
  } finally {
    isPolling = false;
  }
  if (interval()) follow(); else unfollow();
  schedule();
}

// The browser connects again by itself, unless the server has refused: then the page polls for a while.
function follow() {
  if (feed || document.hidden || !root.dataset.events || !interval() || Date.now() < followAgainAt) return;
  feed = new EventSource(`${root.dataset.events}?after=now`);
  feed.onopen = () => { isLive = true; };
  feed.onmessage = () => { unchanged = 0; poll(); };
  feed.onerror = () => {
    isLive = false;
    unchanged = 0;
    if (feed.readyState === EventSource.CLOSED) { unfollow(); followAgainAt = Date.now() + MAX_INTERVAL; }
    schedule();
  };
}

function unfollow() {
  feed?.close();
  feed = null;
  isLive = false;
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  unchanged = 0;
  if (document.hidden || !interval()) { unfollow(); return; }
  follow();
  poll();
});

remember(root);
localise(root.querySelectorAll("time"));
follow();
schedule();

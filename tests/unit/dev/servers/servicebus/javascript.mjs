// Send, receive and settle with @azure/service-bus; prints what it saw as JSON. Arguments: connection string.
import { ServiceBusClient } from "@azure/service-bus";

const client = new ServiceBusClient(process.argv[2], { retryOptions: { maxRetries: 0 } });
const seen = { completed: [], again: [], dead: [], renewed: false };

const sender = client.createSender("crockery");
let batch = await sender.createMessageBatch();
for (let number = 0; number < 6; number++) {
  if (!batch.tryAddMessage({ body: String(number), subject: number % 2 ? "Cup" : "Fork" })) {
    throw new Error("the batch takes nothing: the link says no max-message-size");
  }
}
await sender.sendMessages(batch);

const receiver = client.createReceiver("crockery", "cups");
let messages = [];
while (messages.length < 3) {
  messages.push(...(await receiver.receiveMessages(3 - messages.length, { maxWaitTimeInMs: 5000 })));
}
const [first, second, third] = messages;
const until = first.lockedUntilUtc;
seen.renewed = (await receiver.renewMessageLock(first)) >= until;
await receiver.completeMessage(first);
seen.completed.push(first.body);
await receiver.abandonMessage(second);
const [again] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5000 });
seen.again.push([again.body, again.deliveryCount]);
await receiver.completeMessage(again);
await receiver.deadLetterMessage(third, { deadLetterReason: "Unreadable", deadLetterErrorDescription: "odd" });

const dead = client.createReceiver("crockery", "cups", { subQueueType: "deadLetter" });
const [letter] = await dead.receiveMessages(1, { maxWaitTimeInMs: 5000 });
seen.dead.push([letter.body, letter.deadLetterReason, letter.deadLetterErrorDescription]);
await dead.completeMessage(letter);

const trays = client.createSender("turns");
await trays.sendMessages(["a", "b", "c"].map((body) => ({ body, sessionId: "red" })));
const session = await client.acceptNextSession("turns");
seen.session = session.sessionId;
seen.ordered = [];
while (seen.ordered.length < 3) {
  for (const message of await session.receiveMessages(3, { maxWaitTimeInMs: 5000 })) {
    seen.ordered.push(message.body);
    await session.completeMessage(message);
  }
}
await client.close();
console.log(JSON.stringify(seen));

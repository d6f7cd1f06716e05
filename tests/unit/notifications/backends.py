"""Mail servers with a fault each, chosen through EMAIL_BACKEND as a real one would be."""

import time

from notifications.simulator import EmailBackend


class Crash(BaseException):
    """The process dies: nothing that handles errors runs."""


class HangsUpAfterTwo(EmailBackend):
    """Takes two messages over a connection, then the connection breaks."""

    taken = 0

    def send_messages(self, email_messages):
        if self.taken == 2:
            raise ConnectionResetError("the mail server hung up")
        self.taken += 1
        return super().send_messages(email_messages)


class CrashesAfterTaking(EmailBackend):
    """Takes a message, whereupon our process dies before it has written that down."""

    def send_messages(self, email_messages):
        super().send_messages(email_messages)
        raise Crash


class CrashesAfterTaking25(EmailBackend):
    """Takes 25 messages over a connection, whereupon our process dies."""

    taken = 0

    def send_messages(self, email_messages):
        super().send_messages(email_messages)
        self.taken += 1
        if self.taken == 25:
            raise Crash


class TakesItsTime(EmailBackend):
    """Takes each message after a fifth of a second."""

    def send_messages(self, email_messages):
        time.sleep(0.2)
        return super().send_messages(email_messages)


class TakesItsTimeByTheClock(EmailBackend):
    """Takes each message after a fifth of a second, by a clock that nothing else moves."""

    now = 0.0

    def send_messages(self, email_messages):
        TakesItsTimeByTheClock.now += 0.2
        return super().send_messages(email_messages)


class NeverAnswers(EmailBackend):
    """Keeps every caller waiting, then lets the call time out."""

    calls = 0

    def open(self):
        NeverAnswers.calls += 1
        time.sleep(0.05)
        raise TimeoutError("timed out")

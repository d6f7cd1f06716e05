"""E-mail backends with one fault each, chosen by EMAIL_BACKEND."""

import time

from notifications.simulator import EmailBackend


class Crash(BaseException):
    """Crash of the process: no error handler runs."""


class HangsUpAfterTwo(EmailBackend):
    """Accepts two messages over a connection, then breaks it."""

    taken = 0

    def send_messages(self, email_messages):
        if self.taken == 2:
            raise ConnectionResetError("the mail server hung up")
        self.taken += 1
        return super().send_messages(email_messages)


class CrashesAfterTaking(EmailBackend):
    """Accepts a message, whereupon our process crashes before it stores the reply."""

    def send_messages(self, email_messages):
        super().send_messages(email_messages)
        raise Crash


class CrashesAfterTaking25(EmailBackend):
    """Accepts 25 messages over a connection, whereupon our process crashes."""

    taken = 0

    def send_messages(self, email_messages):
        super().send_messages(email_messages)
        self.taken += 1
        if self.taken == 25:
            raise Crash


class TakesItsTime(EmailBackend):
    """Accepts each message after a fifth of a second."""

    def send_messages(self, email_messages):
        time.sleep(0.2)
        return super().send_messages(email_messages)


class TakesItsTimeByTheClock(EmailBackend):
    """Accepts each message after a fifth of a second of a simulated clock."""

    now = 0.0

    def send_messages(self, email_messages):
        TakesItsTimeByTheClock.now += 0.2
        return super().send_messages(email_messages)


class NeverAnswers(EmailBackend):
    """Lets every call run into a timeout."""

    calls = 0

    def open(self):
        NeverAnswers.calls += 1
        time.sleep(0.05)
        raise TimeoutError("timed out")

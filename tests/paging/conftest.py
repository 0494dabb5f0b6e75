from tests.support import people

outbox = people.outbox

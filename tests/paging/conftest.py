from tests.support import people

outbox, mara = people.outbox, people.mara_reached

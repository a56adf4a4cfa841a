"""A client of solofusion in Python: publishes a vehicle's images, reads what is around it.

The modules, in the order of reading:

- messages: the generated protobuf messages
- names: names of rigs and cameras as tokens of subjects
- client: the connection, what a vehicle publishes and what the service answers
- recording: a drive in nuScenes format as what a vehicle would publish
- birdseye: a result seen from above, as a picture
"""

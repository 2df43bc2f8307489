"""Instructions of many wordings with the kind of section that each asks for.

Both lists were written before the words of `ragqa.plan.sections` were extended. `SECOND` was set
aside, but its author wrote the words as well: none of it says how strangers word instructions.
"""

from __future__ import annotations

from ragqa.records import SectionKind

FIRST: dict[SectionKind, tuple[str, ...]] = {
    "task": (
        "Name the task behind the question.",
        "What is the user after?",
        "What does the user need?",
        "In one sentence, say what the person is trying to achieve.",
        "Identify the use case.",
        "Restate the user's intent.",
        "Which problem is being solved here?",
        "What is being asked for, in technical terms?",
        "Define the task in the field's own terms.",
        "State what the user aims to accomplish.",
        "What is the purpose of the request?",
        "Does the recommended model fit the user's task?",
    ),
    "workflow": (
        "Walk through the processing from the raw file to the result.",
        "How does the data flow through the model?",
        "What does the model take in and what does it give back?",
        "Describe inputs, the model and outputs.",
        "Input -> Model -> Output",
        "Input → Output",
        "How would I use this model, step by step?",
        "Explain how the system works internally.",
        "Outline the processing chain.",
        "Explain the steps that the model takes.",
        "How do the recommended models work?",
        "Lay out the data flow in a diagram.",
        "Show the stages of the method.",
        "Give a flowchart of the approach.",
    ),
    "papers": (
        "List supporting literature.",
        "Where can I read more?",
        "Name publications that back this up.",
        "Give further reading.",
        "Which articles are relevant?",
        "Point to code and papers.",
        "Provide URLs for everything you mention.",
        "Add a bibliography.",
        "List the resources that support your answer.",
        "Which datasets and tools are useful here?",
        "Give the evidence: papers with links.",
        "Mention related work.",
    ),
    "comparison": (
        "Compare and contrast the models.",
        "How do the two differ?",
        "Contrast the two methods.",
        "Which one should I choose?",
        "What are the pros and cons of each?",
        "Rank the models for this question.",
        "Weigh the options against each other.",
        "Advantages and disadvantages of the candidates",
        "Is model A superior to model B?",
        "What sets them apart?",
        "What are similarities and differences of the papers?",
    ),
    "limitations": (
        "What could go wrong?",
        "Where does it break down?",
        "State known issues.",
        "Point out pitfalls.",
        "What are the constraints?",
        "Are there any concerns?",
        "Discuss open problems and challenges.",
        "When should this model not be used?",
        "What are its shortcomings?",
        "Mention failure cases of the model.",
        "What does the model struggle with?",
        "What are the disadvantages of this approach?",
    ),
    "answer": (
        "Explain the main idea to a child.",
        "Answer in two sentences.",
        "Why is the result so sharp?",
        "How accurate is it?",
        "Who made it?",
        "Give a short explanation.",
        "What is a transformer?",
        "Tell me more.",
        "Write a conclusion.",
    ),
}

SECOND: dict[SectionKind, tuple[str, ...]] = {
    "task": (
        "Explain what the person asking wants to get done.",
        "Pin down the user's objective.",
        "What kind of task is this?",
        "Summarise the user's request as a machine-learning task.",
    ),
    "workflow": (
        "Trace an example from input to output.",
        "How does the method work?",
        "What happens to a picture on its way through the network?",
        "Draw the pipeline.",
    ),
    "papers": (
        "Back your claims with citations.",
        "Which repositories and publications should one read?",
        "Link to the sources you used.",
        "Suggest further reading.",
    ),
    "comparison": (
        "How does it compare with the alternatives?",
        "Which of the recommended models is best suited?",
        "Set the models side by side.",
        "A versus B: which wins?",
    ),
    "limitations": (
        "What are the weak points?",
        "When would this not work?",
        "List caveats.",
        "Under which conditions does the model fail?",
    ),
    "answer": (
        "Explain why the sky in the result is white.",
        "Say it in plain words.",
        "How long does training take?",
    ),
}

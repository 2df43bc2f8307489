"""ragqa inside other programs: each module brings one library, and only importing it loads that.

`langchain`: a retriever and a runnable for LangChain.
"""
